import type { TokenBatch } from '@minigpt/core';
import { describe, expect, it } from 'vitest';
import { splitBatches } from './split-batches.ts';

function batchOf(rows: number, length: number): TokenBatch {
  const inputs = Int32Array.from({ length: rows * length }, (_, i) => i);
  return { inputs, targets: inputs.map((id) => id + 1), shape: [rows, length] };
}

const shapes = (batches: readonly TokenBatch[]) => batches.map(({ shape }) => shape.join());

describe('splitBatches', () => {
  it('deals out the rows in their order', () => {
    const whole = batchOf(12, 64);
    const parts = splitBatches([whole], 2);
    expect(shapes(parts)).toEqual(['6,64', '6,64']);
    expect(parts.flatMap(({ inputs }) => [...inputs])).toEqual([...whole.inputs]);
    expect(parts.flatMap(({ targets }) => [...targets])).toEqual([...whole.targets]);
  });

  it.each([
    ['one at a time', [batchOf(12, 64)], 1, ['12,64']],
    ['rows that do not divide', [batchOf(9, 256)], 2, ['9,256']],
    ['rows that divide into fewer', [batchOf(9, 256)], 4, Array(3).fill('3,256')],
    ['parts that would be too small', [batchOf(8, 32)], 2, ['8,32']],
    ['batches that are enough', [batchOf(4, 256), batchOf(4, 256)], 2, ['4,256', '4,256']],
    ['batches that are not', [batchOf(4, 256), batchOf(4, 256)], 4, Array(4).fill('2,256')],
    ['batches of which one does not divide', [batchOf(4, 256), batchOf(3, 256)], 4, ['4,256', '3,256']],
  ])('%s', (_, batches, atOnce, expected) => {
    expect(shapes(splitBatches(batches, atOnce))).toEqual(expected);
  });
});
