import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostTensor } from '@minigpt/core';

/**
 * The folder of reference data (golden values, corpora, vectors), or undefined where there is none: `MINIGPT_SHARED` if it
 * is set, else `../shared/data` beside the workspace. Tests that use it are skipped without it.
 */
export function referenceData(): string | undefined {
  const workspace = fileURLToPath(new URL('../../../', import.meta.url));
  const folder = process.env.MINIGPT_SHARED ?? resolve(workspace, '../shared/data');
  return existsSync(folder) ? folder : undefined;
}

/** For the title of a test that is skipped without reference data. */
export const NEEDS_REFERENCE_DATA = '(needs reference data: set MINIGPT_SHARED to its folder)';

/** Where `pnpm fetch:smollm2` puts the weights of SmolLM2-135M-Instruct (GGUF, Q4_1, 98 MB), whether they are there or not. */
export const SMOLLM2_PATH = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'minigpt/weights/SmolLM2-135M-Instruct.Q4_1.gguf',
);

/** The weights of SmolLM2-135M-Instruct, or undefined where they have not been fetched: tests of them are then skipped. */
export function smolLM2(): string | undefined {
  return existsSync(SMOLLM2_PATH) ? SMOLLM2_PATH : undefined;
}

/** For the title of a test that is skipped without these weights. */
export const NEEDS_SMOLLM2 = '(needs weights of SmolLM2: pnpm fetch:smollm2)';

/**
 * The float32 and int32 tensors of a safetensors file that is trusted, such as golden values. Files from strangers are read
 * by `@minigpt/checkpoints`, which checks them.
 */
export function readReferenceTensors(path: string): Map<string, HostTensor> {
  const bytes = readFileSync(path);
  const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, headerEnd)) as Record<
    string,
    { dtype: 'F32' | 'I32'; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, HostTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [start, end] = entry.data_offsets;
    const data = Uint8Array.from(bytes.subarray(headerEnd + start, headerEnd + end)).buffer;
    tensors.set(
      name,
      entry.dtype === 'F32'
        ? { dtype: 'float32', shape: entry.shape, data: new Float32Array(data) }
        : { dtype: 'int32', shape: entry.shape, data: new Int32Array(data) },
    );
  }
  return tensors;
}

/** The contents of a trusted JSON file. */
export function readReferenceJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
