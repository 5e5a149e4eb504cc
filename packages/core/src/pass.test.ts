import '@tensorflow/tfjs-backend-cpu';
import {
  memory,
  mul,
  scalar,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tensor2d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  ConfigError,
  Context,
  firstValue,
  type KVCache,
  LanguageModel,
  MinigptError,
  parameter,
  withoutWeights,
} from './index.ts';

const cacheOf = (length: number): KVCache => ({
  length,
  update: (_layer, entry) => entry,
  advance: () => {},
});

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

  it('tells shared tensors apart by the object they depend on, and shares that there is none', () => {
    Context.evaluation().pass((ctx) => {
      const [one, other] = [{}, {}];
      const first = ctx.share('mask', () => scalar(1), one);
      expect(ctx.share('mask', () => scalar(2), other)).not.toBe(first);
      expect(ctx.share('mask', () => scalar(3), one)).toBe(first);
      expect(ctx.share<Tensor | undefined>('none', () => undefined)).toBeUndefined();
      expect(ctx.share<Tensor | undefined>('none', () => scalar(4))).toBeUndefined();
    });
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

describe('taps', () => {
  it('see the paths they ask for, one after the other', () => {
    const seen: string[] = [];
    const doubling = (path: string, x: Tensor) => {
      seen.push(path);
      return mul(x, 2);
    };
    const ctx = Context.evaluation({ tap: doubling })
      .listen(doubling, /attention$/)
      .at('h', 0);
    expect(ctx.observe(scalar(1), 'attention').arraySync()).toBe(4);
    expect(ctx.observe(scalar(1), 'mlp').arraySync()).toBe(2);
    expect(seen).toEqual(['h.0.attention', 'h.0.attention', 'h.0.mlp']);
  });

  it('say beforehand whether they would see an activation', () => {
    const ctx = Context.evaluation().listen(() => undefined, /^h\.1\.attention$/);
    expect(ctx.at('h', 0).observes('attention')).toBe(false);
    expect(ctx.at('h', 1).observes('attention')).toBe(true);
    expect(Context.evaluation().observes('attention')).toBe(false);
  });
});

describe('a model without weights', () => {
  it('has names and shapes of parameters, and values once they are assigned', () => {
    const before = memory().numTensors;
    const build = () =>
      parameter(
        firstValue([2, 2], () =>
          tensor2d([
            [1, 2],
            [3, 4],
          ]),
        ),
      );
    const abstract = withoutWeights(build);
    expect([abstract.shape, abstract.dtype]).toEqual([[2, 2], 'float32']);
    expect(() => abstract.dataSync()).toThrow(
      'this model was built without weights; load a state dict first.',
    );
    expect(() => mul(abstract, 2)).toThrow(MinigptError);
    tidy(() => abstract.assign(tensor2d([5, 6, 7, 8], [2, 2])));
    expect([...abstract.dataSync()]).toEqual([5, 6, 7, 8]);
    const drawn = build();
    expect([...drawn.dataSync()]).toEqual([1, 2, 3, 4]);
    withoutWeights(build).dispose();
    abstract.dispose();
    drawn.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('builds with weights again after a constructor failed, and keeps nothing of it', () => {
    const before = memory().numTensors;
    const failing = () => {
      parameter(firstValue([1], () => tensor1d([3])));
      throw new Error('broken');
    };
    expect(() => withoutWeights(failing)).toThrow('broken');
    expect(memory().numTensors).toBe(before);
    const drawn = parameter(firstValue([1], () => tensor1d([3])));
    expect([...drawn.dataSync()]).toEqual([3]);
    drawn.dispose();
  });
});
