import { ConfigError } from '@minigpt/core';
import { reshape, type Tensor, type Tensor4D, transpose } from '@tensorflow/tfjs-core';

/** `[B, T, H D]` → `[B, H, T, D]` */
export function splitHeads(x: Tensor, heads: number): Tensor4D {
  const [b, t, c] = x.shape as [number, number, number];
  if (t === 1) return reshape(x, [b, heads, 1, c / heads]); // the same order in memory
  return transpose(reshape(x, [b, t, heads, c / heads]), [0, 2, 1, 3]);
}

/** `[B, H, T, D]` → `[B, T, H D]` */
export function mergeHeads(x: Tensor4D): Tensor {
  const [b, h, t, d] = x.shape;
  return reshape(t === 1 ? x : transpose(x, [0, 2, 1, 3]), [b, t, h * d]);
}

/** @throws ConfigError if `nHead` does not divide `nEmbd`; asked before a model makes its first parameter */
export function checkWidth(nEmbd: number, nHead: number): void {
  if (nEmbd % nHead === 0) return;
  throw new ConfigError(
    'nHead',
    `The width must be divisible by the number of heads, but the width is ${nEmbd} and there are ${nHead} heads.`,
  );
}
