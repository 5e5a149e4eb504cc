import { Rng, type TokenBatch } from '@minigpt/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

export interface DatasetOptions {
  readonly tokens: Uint16Array;
  readonly blockSize: number;
  readonly batchSize: number;
  readonly rng: Rng;
}

/** A source of batches over a stream of tokens. */
export interface Dataset {
  /** The training batch of a step. */
  readonly batch: (step: number) => TokenBatch;
  /** Every token of the stream, for evaluation. */
  readonly windows: Iterable<TokenBatch>;
}

/**
 * What every source of batches of this project keeps to, as a vitest suite with random sizes: batches are a pure function
 * of key and step, targets are the tokens that follow, and the windows for evaluation predict each token but the first
 * exactly once.
 *
 *     testDataset('batches and windows', (options) => ({ batch: batches(options), windows: windows(options) }));
 */
export function testDataset(name: string, make: (options: DatasetOptions) => Dataset): void {
  /** Each token tells its own place in the stream. */
  const options = fc
    .record({
      blockSize: fc.integer({ min: 1, max: 9 }),
      batchSize: fc.integer({ min: 1, max: 4 }),
      seed: fc.nat(),
    })
    .chain(({ blockSize, batchSize, seed }) =>
      fc.integer({ min: blockSize + 1, max: 60 }).map((count) => ({
        tokens: Uint16Array.from({ length: count }, (_, i) => i),
        blockSize,
        batchSize,
        rng: new Rng(seed),
      })),
    );
  const step = fc.nat({ max: 10_000 });

  describe(`data set ${name}`, () => {
    it('gives the same batch for the same key and step, whatever was asked before', () => {
      fc.assert(
        fc.property(options, step, step, (made, one, other) => {
          const { batch } = make(made);
          const first = batch(one);
          batch(other);
          expect(batch(one)).toEqual(first);
          expect(make(made).batch(one)).toEqual(first);
        }),
      );
    });

    it('gives other batches at another step and for another key', () => {
      const tokens = Uint16Array.from({ length: 1000 }, (_, i) => i);
      const of = (seed: number) => make({ tokens, blockSize: 4, batchSize: 8, rng: new Rng(seed) }).batch;
      const seen = [of(1)(0), of(1)(1), of(2)(0)].map(({ inputs }) => inputs.join());
      expect(new Set(seen).size).toBe(3);
    });

    it('gives windows of the stream, with the tokens that follow as targets', () => {
      fc.assert(
        fc.property(options, step, (made, at) => {
          const { inputs, targets, shape } = make(made).batch(at);
          expect(shape).toEqual([made.batchSize, made.blockSize]);
          expect([inputs.length, targets.length]).toEqual([shape[0] * shape[1], shape[0] * shape[1]]);
          for (const [i, token] of inputs.entries()) {
            expect(targets[i]).toBe(token + 1);
            if (i % made.blockSize > 0) expect(token).toBe(inputs[i - 1] + 1);
          }
          expect(Math.max(...targets)).toBeLessThan(made.tokens.length);
        }),
      );
    });

    it('predicts each token but the first exactly once for evaluation, in order, and again', () => {
      fc.assert(
        fc.property(options, (made) => {
          const { windows } = make(made);
          for (let pass = 0; pass < 2; pass++) {
            const batches = [...windows];
            const targets = batches.flatMap((batch) => Array.from(batch.targets));
            expect(targets).toEqual(Array.from(made.tokens.subarray(1)));
            for (const batch of batches) {
              expect(Array.from(batch.inputs, (token) => token + 1)).toEqual(Array.from(batch.targets));
              expect(batch.shape[1]).toBeLessThanOrEqual(made.blockSize);
            }
          }
        }),
      );
    });
  });
}
