/** What it means that the file system refuses to write, with the system's code, such as `the disk is full (ENOSPC)`. */
export function writeFailure(cause: Error & { readonly code?: string }): string {
  const code = cause.code ?? cause.name;
  return `${WRITE_FAILURES[code] ?? cause.message} (${code})`;
}

const WRITE_FAILURES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'a file would be larger than the system allows',
  EACCES: 'the folder is not writable',
  EPERM: 'the folder is not writable',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'a part of the path is a file',
  ENAMETOOLONG: 'the path is too long',
};
