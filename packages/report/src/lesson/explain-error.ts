/** Any class of errors, as `instanceof` takes it. */
type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * What went wrong, in a sentence for a person. What nobody foresaw comes with its stack.
 *
 * @param spoken the errors whose message is such a sentence already
 */
export function explainError(error: unknown, spoken: readonly ErrorClass[]): string {
  if (!(error instanceof Error)) return String(error);
  if (spoken.some((errorClass) => error instanceof errorClass)) return error.message;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error.stack ?? error.message;
  return `Cannot ${syscall} ${path ?? 'a file'}: ${REASONS[code ?? ''] ?? error.message}.`;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space',
  EACCES: 'permission denied; choose a folder that this user may write to',
  EROFS: 'the file system is read-only; choose another folder',
  ENOTDIR: 'part of the path is a file, not a folder; choose another path',
  EFBIG: 'the file would be larger than this shell allows (ulimit -f); raise the limit',
  EISDIR: 'it is a folder; name a file',
  ENOENT: 'it does not exist; check the path',
};
