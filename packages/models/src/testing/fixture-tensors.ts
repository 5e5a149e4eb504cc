import type { HostTensor, StateDict, TokenBatch } from '@minigpt/core';
import type { Config } from '../config.ts';

/** A small model of a family, and what transformers gave for it: made by scripts/make-family-fixtures.py. */
export interface FamilyFixture {
  readonly config: Config;
  /** Mean nats per token of the next ones: before each of three steps of AdamW, and after them. */
  readonly losses: readonly number[];
  /** Called in tests only. */
  readonly read: () => Promise<ReadonlyMap<string, HostTensor>>;
}

/** The tensors of one model, out of the file that holds those of all. */
export function tensorsOf(name: string, all: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  const own = [...all].filter(([key]) => key.startsWith(`${name}/`));
  return new Map(own.map(([key, value]) => [key.slice(name.length + 1), value]));
}

/** The parameters, or their gradients: `weight.<name>` holds both, `[2, ...]`. */
export function halves(tensors: ReadonlyMap<string, HostTensor>, which: 0 | 1): StateDict {
  const found = new Map<string, HostTensor>();
  for (const [key, { shape, data }] of tensors) {
    if (!key.startsWith('weight.')) continue;
    const size = data.length / 2;
    const values = data.subarray(which * size, (which + 1) * size);
    found.set(key.slice('weight.'.length), { dtype: 'float32', shape: shape.slice(1), data: values });
  }
  return found;
}

/** Ids `[B, T + 1]` as a batch `[B, T]`. */
export function nextTokens({ shape: [rows, columns], data }: HostTensor): TokenBatch {
  const all = Array.from({ length: rows }, (_, row) => [
    ...data.subarray(row * columns, (row + 1) * columns),
  ]);
  return {
    inputs: Int32Array.from(all.flatMap((ids) => ids.slice(0, -1))),
    targets: Int32Array.from(all.flatMap((ids) => ids.slice(1))),
    shape: [rows, columns - 1],
  };
}
