import { MinigptError } from '@minigpt/core';
import { explainError } from '@minigpt/report/node';
import { TokenizerError } from '@minigpt/tokenizers';
import pc from 'picocolors';
import { InterruptedError, UsageError } from './errors.ts';
import { program } from './program.ts';

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.stderr.write(`${pc.red('minigpt:')} ${explainError(error, [MinigptError, TokenizerError])}\n`);
  process.exitCode = exitCode(error);
}

function exitCode(error: unknown): number {
  if (error instanceof InterruptedError) return 130;
  return error instanceof UsageError ? 2 : 1;
}
