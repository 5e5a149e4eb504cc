import { dispose, Rng } from '@minigpt/core';
import { describeOnBackends } from '@minigpt/testing';
import { engine, profile } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { generate } from './generate.ts';
import { FixedKVCache } from './kv-cache/fixed.ts';
import { GrowingKVCache } from './kv-cache/growing.ts';
import type { ManagedKVCache } from './kv-cache/managed-kv-cache.ts';
import { SlidingKVCache } from './kv-cache/sliding.ts';
import { Session } from './session.ts';
import { ToyTransformer } from './testing/toy-transformer.ts';

describeOnBackends('a decoding step', () => {
  let model: ToyTransformer;
  beforeEach(() => {
    model = new ToyTransformer({
      positions: 'rotary',
      windows: [undefined, 6],
      blockSize: 64,
      rng: new Rng(2),
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    dispose(model);
  });

  it('waits for the device once', async () => {
    const waits = vi.spyOn(engine(), 'read');
    const blocking = vi.spyOn(engine(), 'readSync');
    let tokens = 0;
    const options = {
      maxNewTokens: 12,
      temperature: 0.8,
      topK: 5,
      repetitionPenalty: 1.2,
      topLogProbabilities: 3,
    };
    for await (const _ of generate(model, [1, 2, 3], options)) {
      expect(waits).toHaveBeenCalledTimes(++tokens);
      expect(blocking).not.toHaveBeenCalled();
    }
    expect(tokens).toBe(12);
  });

  /** The kernels that run for the token after each length, with the shapes that they allocate. */
  async function work(cache: ManagedKVCache, lengths: readonly number[]): Promise<string[]> {
    const session = new Session(model, { cache, compile: false });
    const ids = Array.from({ length: 40 }, (_, i) => (7 * i) % 11);
    const steps: string[] = [];
    for (let length = 3; length <= Math.max(...lengths); length++) {
      const { kernels, peakBytes } = await profile(async () => {
        await session.nextLogits([ids.slice(0, length)]);
      });
      if (!lengths.includes(length)) continue;
      steps.push(JSON.stringify([peakBytes, kernels.map(({ name, outputShapes }) => [name, outputShapes])]));
    }
    session.dispose();
    return steps;
  }

  it('is the same work at every length with a cache of fixed capacity, or one that slides', async () => {
    for (const cache of [new FixedKVCache({ capacity: 40 }), new SlidingKVCache({ window: 8 })]) {
      const [early, ...later] = await work(cache, [9, 20, 40]);
      expect(later).toEqual([early, early]);
      expect(early).toContain('TensorScatterUpdate');
    }
    const [early, later] = await work(new GrowingKVCache(), [9, 39]);
    expect(later).not.toBe(early);
  });
});
