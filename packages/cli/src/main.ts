import { MinigptError } from '@minigpt/core';
import { explainError } from '@minigpt/report/node';
import { TokenizerError } from '@minigpt/tokenizers';
import pc from 'picocolors';
import { InterruptedError, UsageError } from './errors.ts';
import { program } from './program.ts';

// Whoever reads our output may have enough of it: `minigpt inspect … | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

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
