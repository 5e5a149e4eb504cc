import { MinigptError } from '@minigpt/core';
import { TokenizerError } from '@minigpt/tokenizers';
import pc from 'picocolors';
import { InterruptedError, UsageError } from './errors.ts';
import { program } from './program.ts';

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.stderr.write(`${pc.red('minigpt:')} ${sentence(error)}\n`);
  process.exitCode = exitCode(error);
}

/** What went wrong in a sentence; what we did not foresee comes with its stack. */
function sentence(error: unknown): string {
  if (error instanceof MinigptError || error instanceof TokenizerError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error.stack ?? error.message;
  const reasons: Record<string, string> = {
    ENOSPC: 'the disk is full; free some space',
    EACCES: 'permission denied; choose a folder that this user may write to',
    EROFS: 'the file system is read-only; choose another folder',
    ENOTDIR: 'part of the path is a file, not a folder; choose another path',
    EISDIR: 'it is a folder; name a file',
    ENOENT: 'it does not exist; check the path',
  };
  return `Cannot ${syscall} ${path ?? 'a file'}: ${reasons[code ?? ''] ?? error.message}.`;
}

function exitCode(error: unknown): number {
  if (error instanceof InterruptedError) return 130;
  return error instanceof UsageError ? 2 : 1;
}
