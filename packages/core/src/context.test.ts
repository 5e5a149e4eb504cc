import '@tensorflow/tfjs-backend-cpu';
import { memory, scalar, type Tensor2D, type Tensor3D, tensor2d, zeros } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ConfigError, Context, type KVCache, LanguageModel } from './index.ts';

const cacheOf = (length: number): KVCache => ({ length, update: (_path, entry) => entry, advance: () => {} });

describe('positions of a context', () => {
  it('follow the cache', () => {
    expect([...Context.evaluation({ cache: cacheOf(5) }).columns(3)]).toEqual([5, 6, 7]);
    expect(Context.evaluation().positions(2)).toEqual({
      dtype: 'int32',
      shape: [2],
      data: Int32Array.of(0, 1),
    });
  });

  it('count from the first real token of each row', () => {
    const prompt = Context.evaluation({ padding: [2, 0] }).positions(3);
    expect(prompt).toEqual({ dtype: 'int32', shape: [2, 3], data: Int32Array.of(0, 0, 0, 0, 1, 2) });
    const next = Context.evaluation({ padding: [2, 0], cache: cacheOf(3) })
      .at('h', 0)
      .positions(1);
    expect(next).toEqual({ dtype: 'int32', shape: [2, 1], data: Int32Array.of(1, 3) });
  });

  it('are alike in all rows where no row is padded', () => {
    expect(Context.evaluation({ padding: [0, 0] }).positions(2).shape).toEqual([2]);
  });
});

describe('a pass', () => {
  it('makes what its layers share once, and frees it at the end', () => {
    const before = memory().numTensors;
    const shared = Context.evaluation().pass((ctx) => {
      const first = ctx.at('h', 0).share('mask', () => scalar(1));
      expect(ctx.at('h', 1).share('mask', () => scalar(2))).toBe(first);
      expect(ctx.share('other', () => scalar(3))).not.toBe(first);
      return first;
    });
    expect(shared.isDisposed).toBe(true);
    expect(memory().numTensors).toBe(before);
  });

  it('shares nothing once it is over', () => {
    let kept = Context.evaluation();
    kept.pass((ctx) => {
      kept = ctx;
      ctx.share('mask', () => scalar(1));
    });
    const again = kept.share('mask', () => scalar(2));
    expect(again.isDisposed).toBe(false);
    expect(kept.share('mask', () => again.clone())).not.toBe(again);
  });

  it('frees what it shares when it fails', () => {
    const before = memory().numTensors;
    const failing = () =>
      Context.evaluation().pass((ctx) => {
        ctx.share('mask', () => scalar(1));
        throw new Error('broken');
      });
    expect(failing).toThrow('broken');
    expect(memory().numTensors).toBe(before);
  });
});

class Zeros extends LanguageModel {
  readonly vocabSize = 3;
  readonly blockSize = 8;

  constructor(override readonly supportsCache: boolean) {
    super();
  }

  protected override forward(ids: Tensor2D): Tensor3D {
    return zeros([...ids.shape, 3]);
  }

  override toConfig() {
    return {};
  }
}

describe('a cached language model', () => {
  const ids = tensor2d([[1, 2, 0]], [1, 3], 'int32');

  it('advances the cache by its tokens once a pass is complete', () => {
    const advanced: number[] = [];
    const cache = { ...cacheOf(2), advance: (count: number) => void advanced.push(count) };
    new Zeros(true).call(ids, Context.evaluation({ cache }));
    expect(advanced).toEqual([3]);
  });

  it('refuses a cache that it would not read', () => {
    const call = () => new Zeros(false).call(ids, Context.evaluation({ cache: cacheOf(0) }));
    expect(call).toThrow(ConfigError);
    expect(call).toThrow('A KV cache needs a model with attention, but Zeros has none');
  });
});
