import { type ExecFileOptions, execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The command line, from the sources. */
export const bin = fileURLToPath(new URL('../../bin/minigpt.mjs', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in a process of its own to its end; its standard input is `input`, else nothing. */
export function runMinigpt(
  args: readonly string[],
  { input, ...options }: Pick<ExecFileOptions, 'cwd' | 'env'> & { readonly input?: string } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [bin, ...args],
      { ...options, encoding: 'utf8' },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}
