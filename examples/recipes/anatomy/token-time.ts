import { Context, type Transformer } from '@minigpt/core';
import { FixedKVCache } from '@minigpt/sampling';
import { reshape, tensor2d, tidy } from '@tensorflow/tfjs-core';

/** What a Transformer does between a token's id and the next one, in the order in which it does it. */
export const PARTS = [
  'embedding',
  'attention',
  'feed-forward',
  'norms and sums',
  'output layer',
  'choosing',
] as const;
export type Part = (typeof PARTS)[number];

/**
 * Where the time of one token goes: milliseconds of each part, the mean over `count` tokens that follow `ids`, over a cache.
 *
 * A clock is read whenever a part has given its output: the backends of this recipe compute as they are called, so what lies
 * between two readings is that part's. Nothing else about the pass changes.
 */
export async function timeOfToken(
  model: Transformer,
  ids: readonly number[],
  count: number,
): Promise<ReadonlyMap<Part, number>> {
  const { embedding, blocks, norm, unembedding } = model.anatomy;
  const partOf = (path: string): Part => {
    if (path === embedding) return 'embedding';
    if (path === unembedding) return 'output layer';
    if (blocks.some((block) => path === `${block.path}.${block.attention}`)) return 'attention';
    if (blocks.some((block) => path === `${block.path}.${block.mlp}`)) return 'feed-forward';
    return 'norms and sums';
  };
  const inBlocks = blocks.map(({ path }) => `${path}(\\.\\w+)?`);
  const watched = new RegExp(`^(${[embedding, ...inBlocks, norm, unembedding].join('|')})$`);

  const cache = new FixedKVCache({ capacity: ids.length + count + 1 });
  const time = new Map<Part, number>(PARTS.map((part) => [part, 0]));
  let before = 0;
  const lap = (part: Part) => {
    const now = performance.now();
    time.set(part, time.get(part)! + now - before);
    before = now;
  };
  const ctx = Context.evaluation({ cache, lastLogitsOnly: true }).listen((path) => {
    lap(partOf(path));
    return undefined;
  }, watched);

  /** One pass over the ids that are new, and the likeliest token after them. */
  const next = async (fresh: readonly number[]): Promise<number> => {
    before = performance.now();
    const logits = tidy(() => {
      const input = tensor2d(fresh as number[], [1, fresh.length], 'int32'); // [B, T]
      return reshape(model.call(input, ctx), [model.vocabSize]); // [V]
    });
    lap('norms and sums');
    const values = await logits.data<'float32'>();
    logits.dispose();
    const id = values.indexOf(values.reduce((most, value) => Math.max(most, value)));
    lap('choosing');
    return id;
  };
  try {
    let id = await next(ids);
    id = await next([id]); // the first pass of a shape is slower: kernels are prepared, memory is taken
    for (const part of PARTS) time.set(part, 0);
    for (let i = 0; i < count; i++) id = await next([id]);
  } finally {
    cache.dispose();
  }
  return new Map([...time].map(([part, milliseconds]) => [part, milliseconds / count]));
}
