import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeOnce } from './make-once.ts';
import { findPython } from './python.ts';
import { type Finished, lastWords, runProgram } from './run-program.ts';
import { TensorFlowSetupError } from './setup-error.ts';

/** The releases whose C interface tfjs-node 4.22 is known to run on. */
const releases = '>=2.20,<2.22';

/** The library files of an installed TensorFlow. */
export interface TensorFlowLibrary {
  readonly version: string;
  /** The folder of `libtensorflow_cc.so.2`, `libtensorflow_framework.so.2` and `include/`. */
  readonly folder: string;
}

interface InstallOptions {
  readonly cuda: boolean;
  readonly python?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Installs TensorFlow with pip into a Python environment of its own at `folder`, unless it is there.
 * For the CPU only the wheel itself (1.3 GB unpacked): its libraries need none of the Python packages it asks for.
 *
 * @throws TensorFlowSetupError when there is no Python, no network or no room; nothing is left then
 */
export async function installTensorFlow(
  folder: string,
  { cuda, python, signal }: InstallOptions,
): Promise<TensorFlowLibrary> {
  await makeOnce(folder, async (partial) => {
    const made = await runProgram(await findPython(python), ['-m', 'venv', partial], { signal });
    if (!made.ok) throw installError('a Python environment could not be made', made);
    const wanted = cuda ? [`tensorflow[and-cuda]${releases}`] : ['--no-deps', `tensorflow-cpu${releases}`];
    const options = ['--no-input', '--disable-pip-version-check', '--no-compile', '--only-binary=:all:'];
    const pip = ['-m', 'pip', 'install', '--quiet', ...options, ...wanted];
    const installed = await runProgram(join(partial, 'bin', 'python'), pip, { signal });
    if (!installed.ok) throw installError('pip could not install TensorFlow', installed);
    if (libraryIn(partial) === undefined) throw incomplete(partial);
  });
  const library = libraryIn(folder);
  if (library === undefined) throw incomplete(folder);
  return library;
}

function libraryIn(environment: string): TensorFlowLibrary | undefined {
  const pythons = join(environment, 'lib');
  const version = readdirSync(pythons).find((name) => name.startsWith('python3.'));
  if (version === undefined) return undefined;
  const packages = join(pythons, version, 'site-packages');
  const release = readdirSync(packages).map(
    (name) => /^tensorflow(?:_cpu)?-(.+)\.dist-info$/.exec(name)?.[1],
  );
  const folder = join(packages, 'tensorflow');
  const found = release.find((name) => name !== undefined);
  return found !== undefined && existsSync(join(folder, 'libtensorflow_cc.so.2'))
    ? { version: found, folder }
    : undefined;
}

function incomplete(folder: string): TensorFlowSetupError {
  return new TensorFlowSetupError(
    'install',
    `The Python environment ${folder} must hold libtensorflow_cc.so.2, but does not; remove that folder and run this again.`,
  );
}

/** pip's long stories, each in one sentence with its remedy. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [/No space left on device|Disk quota exceeded/, 'the disk is full: TensorFlow needs 1.6 GB, for CUDA 8 GB'],
  [
    /NewConnectionError|ConnectTimeout|ReadTimeout|name resolution|Connection (?:refused|reset)|ProxyError|SSLError/,
    'the package index cannot be reached: check the network and the proxy and index that pip is set up with',
  ],
  [
    /No matching distribution/,
    'the index offers none for this Python and machine, or was not reached: use Python 3.9 to 3.13 on Linux with glibc (option ' +
      'python), and check the network and the index that pip is set up with',
  ],
];

function installError(what: string, finished: Finished): TensorFlowSetupError {
  const remedy = remedies.find(([pattern]) => pattern.test(finished.stderr + finished.stdout))?.[1];
  return new TensorFlowSetupError('install', `${what}: ${remedy ?? lastWords(finished)}.`);
}
