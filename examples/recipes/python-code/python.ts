import { execFile, execFileSync } from 'node:child_process';
import { ConfigError } from '@minigpt/core';

/**
 * The folder of Python's own library, and which Python it is.
 *
 * @throws ConfigError where there is no `python3`
 */
export function pythonLibrary(): { readonly folder: string; readonly version: string } {
  const code = 'import os, platform; print(os.path.dirname(os.__file__)); print(platform.python_version())';
  try {
    const [folder = '', version = ''] = execFileSync('python3', ['-I', '-c', code], {
      encoding: 'utf8',
    }).split('\n');
    return { folder, version };
  } catch (cause) {
    throw new ConfigError(
      '--data',
      `Without --data the model learns from the library of the python3 on the PATH, but it does not answer (${(cause as NodeJS.ErrnoException).code ?? 'it failed'}); name a folder of Python files.`,
    );
  }
}

/** Reads a JSON array of sources and answers, for each, whether it is Python. Nothing is run: `ast.parse` builds a tree. */
const PARSE = `
import ast, json, sys, warnings
warnings.simplefilter('ignore')
def parses(source):
    try:
        ast.parse(source)
        return True
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
print(json.dumps([parses(source) for source in json.load(sys.stdin)]))
`;

const TIMEOUT_MILLISECONDS = 60_000;

/**
 * Which of the sources `python3` parses, in a process of its own; undefined where there is none.
 *
 * @throws the error of the process, if it ends without an answer
 */
export function whichParse(sources: readonly string[]): Promise<boolean[] | undefined> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'python3',
      ['-I', '-c', PARSE],
      { timeout: TIMEOUT_MILLISECONDS, maxBuffer: 2 ** 26 },
      (error, stdout) => {
        if (error === null) resolve(JSON.parse(stdout));
        else if (error.code === 'ENOENT') resolve(undefined);
        else reject(error);
      },
    );
    child.stdin?.on('error', () => {}); // it ended early, which the callback tells
    child.stdin?.end(JSON.stringify(sources));
  });
}
