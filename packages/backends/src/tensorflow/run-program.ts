import { execFile } from 'node:child_process';

/** How a program ended: its exit code, or why it could not be started (`ENOENT`) or was stopped (`SIGSEGV`). */
export interface Finished {
  readonly ok: boolean;
  readonly ending: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, without a shell; a failure is a result, not an exception. */
export function runProgram(
  file: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly timeout?: number } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(file, args, { maxBuffer: 2 ** 26, ...options }, (error, stdout, stderr) => {
      const ending = error === null ? 'exit code 0' : String(error.signal ?? error.code);
      resolve({ ok: error === null, ending, stdout, stderr });
    });
  });
}

/** The last line that a program said on stderr, or how it ended where it said nothing. */
export function lastWords({ stderr, ending }: Finished): string {
  return stderr.trim().split('\n').at(-1) || ending;
}
