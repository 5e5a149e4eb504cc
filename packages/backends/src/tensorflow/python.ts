import { lastWords, runProgram } from './run-program.ts';
import { TensorFlowSetupError } from './setup-error.ts';

const candidates = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3.9', 'python'];

/** Says its version, and fails where Debian has taken ensurepip, which fills a new environment, out of it. */
const inspection = 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])';

/**
 * A Python of version 3.9 or later that can make environments.
 *
 * @param python the interpreter to use; without it the first that fits on the `PATH`
 * @throws TensorFlowSetupError when there is none
 */
export async function findPython(python?: string): Promise<string> {
  const refused: string[] = [];
  for (const file of python === undefined ? candidates : [python]) {
    const found = await runProgram(file, ['-c', inspection]);
    if (found.ok && isRecent(found.stdout.trim())) return file;
    if (found.ok) refused.push(`${file} is ${found.stdout.trim()}`);
    else if (found.ending !== 'ENOENT') refused.push(`${file}: ${lastWords(found)}`);
    else if (python !== undefined) refused.push(`${file} does not exist`);
  }
  const reasons = refused.length === 0 ? 'there is none' : refused.join('; ');
  throw new TensorFlowSetupError(
    'python',
    `TensorFlow comes as a Python package and needs Python 3.9 or later with its venv module, but ${reasons}; ` +
      'install one (Debian, Ubuntu: apt install python3 python3-venv) or name one with the option python.',
  );
}

function isRecent(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major! > 3 || (major === 3 && minor! >= 9);
}
