import { Context, dispose, type HostTensor, type KVCache, type LanguageModel, Rng } from '@minigpt/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { describeOnBackends, type TestedBackend } from './backends.ts';
import { expectClose, type Tolerance } from './close.ts';
import { randomIds } from './random.ts';

/** What a cache must be able to do between passes; the caches of `@minigpt/sampling` do. */
export interface TestableKVCache extends KVCache {
  canTrim(length: number): boolean;
  trim(length: number): void;
  reorder(rows: readonly number[]): void;
  fork(): TestableKVCache;
  dispose(): void;
}

export interface TestKVCacheOptions {
  /** How many tokens the texts have; at least 8, the model's `blockSize` or fewer. */
  readonly length: number;
  /** Whether memory must stay the same from the first token on, as with a fixed capacity. */
  readonly flat?: boolean;
  readonly tolerance?: Tolerance;
  readonly backends?: readonly TestedBackend[];
}

/**
 * What every KV cache keeps to on every model, as a vitest suite: logits equal to those of a pass without a cache, in passes
 * of any lengths, padded, trimmed, reordered and forked; no tensor more with each token, none left at the end.
 *
 *     testKVCache('growing on GPT', () => new GrowingKVCache(), (rng) => new GPT({ …, rng }), { length: 12 });
 *
 * @param makeModel builds a small model with `supportsCache` from a key
 */
export function testKVCache(
  name: string,
  makeCache: () => TestableKVCache,
  makeModel: (rng: Rng) => LanguageModel,
  {
    length,
    flat = false,
    tolerance = { absolute: 5e-6, relative: 5e-6 },
    backends = ['cpu', 'wasm', 'node'],
  }: TestKVCacheOptions,
): void {
  const rng = new Rng(3);

  describeOnBackends(
    `KV cache ${name}`,
    () => {
      const check = (title: string, body: (model: LanguageModel, ids: number[][]) => Promise<void>) =>
        it(title, async () => {
          const before = tf.memory().numTensors;
          const model = makeModel(rng.fold('model'));
          const { data } = randomIds([2, length], model.vocabSize, rng.fold('ids'));
          await body(model, [[...data.subarray(0, length)], [...data.subarray(length)]]);
          dispose(model);
          expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
        });

      /** Logits float32 `[B, T, V]` of one pass. */
      function logitsOf(model: LanguageModel, rows: number[][], ctx?: Context): HostTensor {
        const logits = tf.tidy(() =>
          model.call(tf.tensor2d(rows, [rows.length, rows[0].length], 'int32'), ctx),
        );
        const onHost = { dtype: logits.dtype, shape: logits.shape, data: logits.dataSync() } as HostTensor;
        logits.dispose();
        return onHost;
      }

      /** Columns `start` to `end` of logits `[B, T, V]`, of the rows given. */
      function part({ data, shape }: HostTensor, start: number, end: number, rows?: readonly number[]) {
        const [b, t, v] = shape;
        const chosen = rows ?? Array.from({ length: b }, (_, row) => row);
        const values = chosen.flatMap((row) => [
          ...data.subarray((row * t + start) * v, (row * t + end) * v),
        ]);
        return {
          dtype: 'float32',
          shape: [chosen.length, end - start, v],
          data: Float32Array.from(values),
        } as const;
      }

      const columns = (rows: number[][], start: number, end: number) =>
        rows.map((row) => row.slice(start, end));

      /** Feeds columns `from` on in passes of the lengths given and compares each with the pass over all. */
      async function feed(
        model: LanguageModel,
        cache: KVCache,
        rows: number[][],
        counts: readonly number[],
        { from = 0, expected = logitsOf(model, rows) } = {},
      ): Promise<void> {
        let start = from;
        for (const count of counts) {
          expect(cache.length).toBe(start);
          const ids = columns(rows, start, start + count);
          const actual = logitsOf(model, ids, Context.evaluation({ cache }));
          const wanted = part(expected, start, start + count);
          await expectClose(actual, wanted, tolerance, `logits of columns ${start} to ${start + count - 1}`);
          start += count;
        }
      }

      const ones = (count: number) => new Array<number>(count).fill(1);

      check('gives the logits of a pass over all, token by token', async (model, ids) => {
        const cache = makeCache();
        await feed(model, cache, ids, ones(length));
        cache.dispose();
      });

      check('gives them in one pass, and in passes of unequal lengths', async (model, ids) => {
        for (const counts of [[length], [length - 3, 1, 2], [2, 3, 1, length - 7, 1]]) {
          const cache = makeCache();
          await feed(model, cache, ids, counts);
          cache.dispose();
        }
      });

      check('gives each padded row the logits that it has alone', async (model, ids) => {
        const missing = 3;
        const padding = [0, missing];
        const rows = [ids[0], [...ones(missing), ...ids[1].slice(missing)]];
        const whole = logitsOf(model, ids);
        const alone = logitsOf(model, [ids[1].slice(missing)]);
        const cache = makeCache();
        let start = 0;
        for (const count of [5, 1, 1, length - 7]) {
          const ctx = Context.evaluation({ cache, padding });
          const actual = logitsOf(model, columns(rows, start, start + count), ctx);
          const end = start + count;
          await expectClose(part(actual, 0, count, [0]), part(whole, start, end, [0]), tolerance, 'full row');
          const hidden = Math.max(0, missing - start);
          const wanted = part(alone, start + hidden - missing, end - missing);
          await expectClose(part(actual, hidden, count, [1]), wanted, tolerance, 'padded row');
          start = end;
        }
        cache.dispose();
      });

      check('goes back by trimming, or says that it cannot', async (model, ids) => {
        const cache = makeCache();
        await feed(model, cache, ids, [4, 1, 1]);
        expect(cache.canTrim(6)).toBe(true);
        expect(cache.canTrim(7)).toBe(false);
        expect(cache.canTrim(-1)).toBe(false);
        if (cache.canTrim(3)) {
          cache.trim(3);
          const others = [ids[1], ids[0]].map((row, i) => [...ids[i].slice(0, 3), ...row.slice(3)]);
          await feed(model, cache, others, [1, 2, length - 6], { from: 3 });
        } else expect(() => cache.trim(3)).toThrow('trimmed');
        cache.trim(0);
        await feed(model, cache, [ids[1]], [length - 1, 1]);
        cache.dispose();
      });

      check('puts rows in another order, and makes more of them', async (model, ids) => {
        const cache = makeCache();
        await feed(model, cache, ids, [length - 3, 1]);
        const order = [1, 0, 1];
        cache.reorder(order);
        const rows = order.map((row) => ids[row]);
        await feed(model, cache, rows, [1, 1], { from: length - 2 });
        cache.dispose();
      });

      check('shares a prompt between caches that go on by themselves', async (model, ids) => {
        const prompt = makeCache();
        await feed(model, prompt, ids, [4]);
        const forks = [prompt.fork(), prompt.fork()];
        prompt.dispose();
        const texts = [ids, [ids[1], ids[0]].map((row, i) => [...ids[i].slice(0, 4), ...row.slice(4)])];
        for (let start = 4; start < length; start++) {
          for (const [i, fork] of forks.entries()) await feed(model, fork, texts[i], [1], { from: start });
        }
        for (const fork of forks) fork.dispose();
      });

      check(
        flat ? 'takes no more memory with each token' : 'holds no more tensors with each token',
        async (model, ids) => {
          const cache = makeCache();
          const memoryAfter = (start: number, end: number) => {
            logitsOf(model, columns(ids, start, end), Context.evaluation({ cache }));
            const { numTensors, numBytes } = tf.memory();
            return flat ? { numTensors, numBytes } : { numTensors };
          };
          const first = memoryAfter(0, 2);
          for (let start = 2; start < length; start++) expect(memoryAfter(start, start + 1)).toEqual(first);
          cache.dispose();
        },
      );
    },
    backends,
  );
}
