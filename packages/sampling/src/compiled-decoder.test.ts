import {
  backendCompiler,
  CompileError,
  Context,
  dispose,
  type LanguageModel,
  Rng,
  registerCompiler,
} from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { describeOnBackends, expectClose, startBackend } from '@minigpt/testing';
import { memory, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compiledDecoder } from './compiled-decoder.ts';
import { CacheCapacityError } from './errors.ts';
import { generate, generateBatch } from './generate.ts';
import { FixedKVCache } from './kv-cache/fixed.ts';
import type { ManagedKVCache } from './kv-cache/managed-kv-cache.ts';
import { SlidingKVCache } from './kv-cache/sliding.ts';
import { Session } from './session.ts';
import { smallFamilies } from './testing/small-families.ts';
import { ToyModel } from './testing/toy-model.ts';
import { ToyTransformer } from './testing/toy-transformer.ts';

const TOLERANCE = { absolute: 3e-6, relative: 3e-6 };
const text = (length: number, vocabSize: number) => Array.from(new Rng(4).integers(length, vocabSize));

/** Holds the logits of a session that compiles to those of one that does not, for texts that grow by a token. */
async function expectEqual(
  model: LanguageModel,
  texts: readonly (readonly number[])[],
  first: number,
  makeCache: () => ManagedKVCache = () => new FixedKVCache({ capacity: 16 }),
): Promise<void> {
  const before = memory().numTensors;
  const sessions = [true, false].map((compile) => new Session(model, { cache: makeCache(), compile }));
  for (let cut = texts[0].length - first; cut >= 0; cut--) {
    const rows = texts.map((ids) => ids.slice(0, ids.length - cut));
    const [actual, expected] = [await sessions[0].nextLogits(rows), await sessions[1].nextLogits(rows)];
    for (const [row, data] of expected.entries()) {
      const wanted = { dtype: 'float32', shape: [data.length], data } as const;
      await expectClose(
        { ...wanted, data: actual[row] },
        wanted,
        TOLERANCE,
        `row ${row}, ${cut} before the end`,
      );
    }
  }
  for (const session of sessions) session.dispose();
  expect(memory().numTensors, 'tensors left behind').toBe(before);
}

describeOnBackends('a compiled decoder', () => {
  it.each(smallFamilies)('gives the logits of passes that are not compiled: $model_type', async (config) => {
    const model = modelFromConfig(config, { rng: new Rng(2) });
    await expectEqual(model, [text(12, 13)], 3);
    dispose(model);
  });

  // TensorFlow leaves what lies between the caches of many layers to XLA.
  it.each(smallFamilies.filter(({ model_type }) => ['gpt2', 'llama', 'gemma2'].includes(model_type)))(
    'gives them with eight layers too: $model_type',
    async (config) => {
      const deep = { ...config, n_layer: 8, num_hidden_layers: 8, initializer_range: 0.2 }; // larger ones magnify rounding
      const model = modelFromConfig(deep, { rng: new Rng(2) });
      await expectEqual(model, [text(12, 13)], 3);
      await expectEqual(model, [text(12, 13), text(9, 13)], 5);
      dispose(model);
    },
  );

  it('goes on where the rings have wrapped', async () => {
    const model = new ToyTransformer({ positions: 'rotary', windows: [4, undefined], rng: new Rng(3) });
    await expectEqual(model, [text(14, 11)], 2, () => new SlidingKVCache({ window: 6 }));
    dispose(model);
  });

  it('serves a padded batch', async () => {
    for (const positions of ['rotary', 'learned'] as const) {
      const model = new ToyTransformer({ positions, rng: new Rng(3) });
      await expectEqual(model, [text(12, 11), text(9, 11)], 5);
      dispose(model);
    }
  });

  it('goes on after passes that are not compiled, rows that changed places, and another text', async () => {
    const model = new ToyTransformer({ rng: new Rng(3) });
    const sessions = [true, false].map(
      (compile) => new Session(model, { cache: new FixedKVCache({ capacity: 16 }), compile }),
    );
    const [a, b, c] = [text(12, 11), text(12, 11).toReversed(), text(13, 11).slice(1)];
    const rowsOf =
      (...texts: number[][]) =>
      (length: number) =>
        texts.map((ids) => ids.slice(0, length));
    const steps: [rows: number[][], reorder?: number[]][] = [
      ...[3, 4, 5, 6, 9, 10, 11].map((length) => [rowsOf(a, b)(length)] as [number[][]]),
      [rowsOf(b, a)(12), [1, 0]],
      ...[4, 5, 6, 7].map((length) => [rowsOf(c, a)(length)] as [number[][]]),
      [rowsOf(a)(8), [1]],
      ...[9, 10, 11].map((length) => [rowsOf(a)(length)] as [number[][]]),
    ];
    for (const [rows, order] of steps) {
      if (order !== undefined) for (const session of sessions) session.reorder(order);
      const fork = sessions[0].fork();
      const [actual, expected, forked] = [
        await sessions[0].nextLogits(rows),
        await sessions[1].nextLogits(rows),
        await fork.nextLogits(rows),
      ];
      for (const [row, data] of expected.entries()) {
        const wanted = { dtype: 'float32', shape: [data.length], data } as const;
        await expectClose({ ...wanted, data: actual[row] }, wanted, TOLERANCE, `row ${row} of ${rows}`);
        await expectClose({ ...wanted, data: forked[row] }, wanted, TOLERANCE, `a fork's row ${row}`);
      }
      fork.dispose();
    }
    for (const session of sessions) session.dispose();
    dispose(model);
  });

  it('draws the same ids, alone and in batches that become smaller, and holds no more with each token', async () => {
    const model = new ToyTransformer({ blockSize: 64, positions: 'rotary', rng: new Rng(3) });
    const before = memory().numTensors;
    const draw = async (compile: boolean | 'auto') => {
      const options = { maxNewTokens: 24, temperature: 0.9, topK: 6, rng: new Rng(8), compile };
      const ids: number[] = [];
      const held = new Set<number>();
      for await (const { id } of generate(model, [1, 2, 3], options)) {
        ids.push(id);
        if (ids.length > 3 && compile === true) held.add(memory().numTensors);
      }
      expect(held.size).toBe(compile === true ? 1 : 0);
      for await (const { id } of generateBatch(model, [[1, 2], [3], [5, 6, 7]], { ...options, endIds: [4] }))
        ids.push(id);
      return ids;
    };
    const plain = await draw(false);
    expect(await draw(true)).toEqual(plain);
    expect(await draw('auto')).toEqual(plain);
    expect(memory().numTensors).toBe(before);
    dispose(model);
  });

  it('says when the cache is full, and has read nothing then', () => {
    const model = new ToyTransformer({ rng: new Rng(3) });
    const cache = new FixedKVCache({ capacity: 5 });
    tidy(() => model.call(tensor2d([[1, 2]], [1, 2], 'int32'), Context.evaluation({ cache })));
    const decoder = compiledDecoder(model, cache, { compile: backendCompiler()! });
    for (const id of [3, 4, 5]) decoder.next([id]).dispose();
    expect(() => decoder.next([6])).toThrow(CacheCapacityError);
    expect(cache.length).toBe(5);
    decoder.dispose();
    cache.dispose();
    dispose(model);
  });

  it('leaves a model that reads tensors on the host to passes that are not compiled, or says which does', async () => {
    class Curious extends ToyTransformer {
      protected override forward(...args: Parameters<ToyTransformer['forward']>) {
        const logits = super.forward(...args);
        logits.dataSync();
        return logits;
      }
    }
    const model = new Curious({ blockSize: 64, rng: new Rng(3) });
    const take = async (compile: boolean | 'auto') => {
      const ids: number[] = [];
      for await (const { id } of generate(model, [1], { maxNewTokens: 24, compile })) ids.push(id);
      return ids;
    };
    expect(await take('auto')).toEqual(await take(false));
    await expect(take(true)).rejects.toThrow(CompileError);
    dispose(model);
  });
}, ['node', 'wasm']);

describe('compile: true', () => {
  it('is refused where the backend, the cache or the model cannot', async () => {
    await startBackend('cpu');
    const model = new ToyTransformer({ rng: new Rng(3) });
    expect(() => new Session(model, { compile: true })).toThrow('cpu cannot');
    registerCompiler('cpu', () => ({ trace() {}, run: () => [], dispose() {} }));
    expect(() => new Session(model, { compile: true })).toThrow('GrowingKVCache');
    const bigram = new ToyModel();
    const cache = new FixedKVCache({ capacity: 4 });
    expect(() => new Session(bigram, { cache, compile: true })).toThrow('ToyModel');
    for (const each of [model, bigram]) dispose(each);
  });
});
