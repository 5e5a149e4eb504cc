import { execFile } from 'node:child_process';

/** How a program ended: its exit code, or why it could not be started (`ENOENT`) or was stopped (`SIGSEGV`). */
export interface Finished {
  readonly ok: boolean;
  readonly ending: string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** In milliseconds. */
  readonly timeout?: number;
  /** Ends the program. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a program to its end, without a shell; a failure is a result, not an exception.
 *
 * @throws the signal's reason once it was aborted and the program has ended
 */
export function runProgram(
  file: string,
  args: readonly string[],
  { signal, ...options }: RunOptions = {},
): Promise<Finished> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { maxBuffer: 2 ** 26, ...options }, (error, stdout, stderr) => {
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) return reject(signal.reason);
      const ending = error === null ? 'exit code 0' : String(error.signal ?? error.code);
      resolve({ ok: error === null, ending, stdout, stderr });
    });
    const end = () => child.kill();
    signal?.addEventListener('abort', end);
  });
}

/** The last line that a program said on stderr, or how it ended where it said nothing. */
export function lastWords({ stderr, ending }: Finished): string {
  return stderr.trim().split('\n').at(-1) || ending;
}
