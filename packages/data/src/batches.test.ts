import { ConfigError, Rng } from '@minigpt/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batches, windows } from './batches.ts';
import { TooFewTokensError } from './errors.ts';

/** Tokens that are their own positions, so that a window shows where it came from. */
const positions = (length: number) => Uint32Array.from({ length }, (_, i) => i);

describe('batches', () => {
  const shapes = fc.record({
    blockSize: fc.integer({ min: 1, max: 9 }),
    batchSize: fc.integer({ min: 1, max: 5 }),
    extra: fc.integer({ min: 1, max: 30 }),
    seed: fc.maxSafeInteger(),
    step: fc.nat(),
  });

  it('gives windows of the stream, each target the token after its input', () => {
    fc.assert(
      fc.property(shapes, ({ blockSize, batchSize, extra, seed, step }) => {
        const tokens = positions(blockSize + extra);
        const batch = batches({ tokens, blockSize, batchSize, rng: new Rng(seed) })(step);
        expect(batch.shape).toEqual([batchSize, blockSize]);
        expect(batch.inputs.length).toBe(batchSize * blockSize);
        for (const [i, id] of batch.inputs.entries()) {
          expect(batch.targets[i]).toBe(id + 1);
          if (i % blockSize > 0) expect(id).toBe(batch.inputs[i - 1] + 1);
        }
        expect(Math.max(...batch.targets)).toBeLessThan(tokens.length);
      }),
    );
  });

  it('is a pure function of the key and the step', () => {
    fc.assert(
      fc.property(shapes, ({ blockSize, batchSize, extra, seed, step }) => {
        const options = { tokens: positions(blockSize + extra), blockSize, batchSize };
        const first = batches({ ...options, rng: new Rng(seed) });
        const expected = first(step);
        first(step + 1);
        expect(first(step)).toEqual(expected);
        expect(batches({ ...options, rng: new Rng(seed) })(step)).toEqual(expected);
      }),
    );
  });

  it('starts everywhere equally often, the last possible place included', () => {
    const draws = 20_000;
    const batch = batches({ tokens: positions(12), blockSize: 4, batchSize: draws, rng: new Rng(1) })(0);
    const counts = new Array<number>(8).fill(0);
    for (let row = 0; row < draws; row++) counts[batch.inputs[row * 4]]++;
    for (const count of counts) expect(Math.abs(count - draws / 8)).toBeLessThan(5 * Math.sqrt(draws / 8));
  });

  it('differs from step to step and from seed to seed', () => {
    const of = (seed: number) =>
      batches({ tokens: positions(9999), blockSize: 2, batchSize: 8, rng: new Rng(seed) });
    expect(of(1)(0)).not.toEqual(of(1)(1));
    expect(of(1)(0)).not.toEqual(of(2)(0));
  });

  it('says how many tokens a context needs', () => {
    const tooShort = () => batches({ tokens: positions(64), blockSize: 64, batchSize: 1, rng: new Rng(0) });
    expect(tooShort).toThrow(TooFewTokensError);
    expect(tooShort).toThrow(
      'Training with a context of 64 needs at least 65 tokens, but only 64 came; use a longer text or a smaller blockSize.',
    );
    expect(() => batches({ tokens: positions(9), blockSize: 4, batchSize: 0.5, rng: new Rng(0) })).toThrow(
      ConfigError,
    );
  });
});

describe('windows', () => {
  it('with overlap leaves out no target but those before the first full window', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 60 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 3 }),
        (length, context, stride, batchSize) => {
          const overlap = context - 1;
          const answered: number[] = [];
          for (const { targets, shape } of windows({
            tokens: positions(length),
            blockSize: stride + overlap,
            batchSize,
            overlap,
          })) {
            for (let row = 0; row < shape[0]; row++) {
              answered.push(...targets.subarray(row * shape[1] + overlap, (row + 1) * shape[1]));
            }
          }
          const wanted = Array.from({ length: Math.max(0, length - context) }, (_, i) => i + context);
          expect(answered).toEqual(wanted);
        },
      ),
    );
  });

  it('predicts each token but the first exactly once, in order, tail included', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 80 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 5 }),
        (length, blockSize, batchSize) => {
          const all = windows({ tokens: positions(length), blockSize, batchSize });
          const targets = [...all].flatMap((batch) => [...batch.targets]);
          expect(targets).toEqual([...positions(length)].slice(1));
          const inputs = [...all].flatMap((batch) => [...batch.inputs]);
          expect(inputs).toEqual([...positions(length)].slice(0, -1));
          const sizes = [...all].map((batch) => batch.shape);
          for (const [rows, columns] of sizes.slice(0, -1)) {
            expect(rows <= batchSize && columns === blockSize).toBe(true);
          }
        },
      ),
    );
  });

  it('says what is missing where there is nothing to predict', () => {
    expect(() => windows({ tokens: positions(1), blockSize: 8, batchSize: 1 })).toThrow(
      'Evaluation needs at least 2 tokens, but only 1 came',
    );
  });
});
