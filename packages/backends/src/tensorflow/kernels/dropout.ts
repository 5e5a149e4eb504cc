import { Rng } from '@minigpt/core';
import { util } from '@tensorflow/tfjs-core';
import type { TensorHandle } from '../binding.ts';
import type { RawKernel } from './raw-kernel.ts';
import type { RawOps } from './raw-ops.ts';

/** Of Threefry-2x32 (Salmon, Moraes, Dror, Shaw 2011), as in `Rng`, whose numbers these are. */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];
const ROUNDS = 20;
const PARITY = 0x1bd11bda;

export const dropoutKernels: Readonly<Record<string, RawKernel>> = {
  Dropout: (ops, { x, key }, attrs) => {
    const { threshold, kept } = attrs as { threshold: number; kept: number };
    const count = util.sizeFromShape([...x.shape]);
    const mask = (ops.isTraced ? drawnByTensorFlow : drawnHere)(ops, key, count, threshold);
    return [ops.mul(x, ops.mul(ops.reshape(mask, x.shape), ops.floats(kept)))];
  },
};

/** 0 where a number is below the threshold, else 1: float32 `[count]`. One at a time, the operations take longer than JavaScript. */
function drawnHere(ops: RawOps, key: TensorHandle, count: number, threshold: number): TensorHandle {
  const [key0, key1] = ops.read(key);
  const numbers = new Rng(key0, key1).uniform(count);
  return ops.floats(
    numbers.map((number) => (number * 2 ** 24 < threshold ? 0 : 1)),
    [count],
  );
}

/** The same, with the numbers that `Rng.uniform` gives. */
function drawnByTensorFlow(ops: RawOps, key: TensorHandle, count: number, threshold: number): TensorHandle {
  return ops.toFloats(ops.greaterEqual(uniformBits(ops, key, count), ops.ints(threshold)));
}

/**
 * What `Rng.uniform(count)` gives, times 2^24: int32 `[count]`. Block n gives numbers 2n and 2n + 1; each number computes its block by itself, so
 * that all is element by element and can be fused.
 */
function uniformBits(ops: RawOps, key: TensorHandle, count: number): TensorHandle {
  const index = ops.range(count);
  const word = (at: number) => ops.gather(key, ops.ints(at), 0, 0);
  const [key0, key1] = [word(0), word(1)];
  const [first, second] = threefry(ops, [key0, key1], ops.shiftRight(index, 1));
  const isSecond = ops.greaterEqual(ops.bitAnd(index, ops.ints(1)), ops.ints(1));
  return ops.shiftRight(ops.select(isSecond, second, first), 8);
}

/** The block of counter (`counter`, 0). */
function threefry(
  ops: RawOps,
  [key0, key1]: readonly [TensorHandle, TensorHandle],
  counter: TensorHandle,
): readonly [TensorHandle, TensorHandle] {
  const keys = [key0, key1, ops.xor(ops.xor(key0, key1), ops.ints(PARITY))];
  let block: readonly [TensorHandle, TensorHandle] = [ops.addInts(counter, key0), key1];
  for (let round = 0; round < ROUNDS; round++) {
    const next = ops.tidy(() => mixed(ops, block, round, keys));
    if (round > 0) ops.free(block); // else a hundred times the memory of one
    block = next;
  }
  return block;
}

/** The block after a round, every fourth of which brings in the keys again. */
function mixed(
  ops: RawOps,
  [x0, x1]: readonly [TensorHandle, TensorHandle],
  round: number,
  keys: readonly TensorHandle[],
): readonly [TensorHandle, TensorHandle] {
  const sum = ops.addInts(x0, x1);
  const rotated = ops.xor(rotateLeft(ops, x1, ROTATIONS[round % 8]), sum);
  if (round % 4 < 3) return [sum, rotated];
  const injection = (round + 1) / 4;
  const key = ops.addInts(keys[(injection + 1) % 3], ops.ints(injection));
  return [ops.addInts(sum, keys[injection % 3]), ops.addInts(rotated, key)];
}

function rotateLeft(ops: RawOps, x: TensorHandle, by: number): TensorHandle {
  return ops.xor(ops.shiftLeft(x, by), ops.shiftRight(x, 32 - by));
}
