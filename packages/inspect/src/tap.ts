import { Context, type HostTensor, type LanguageModel, toHost } from '@minigpt/core';
import { clone, dispose, keep, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { activationPaths, matcher, toArray } from './paths.ts';
import { idTensor, type TokenIds } from './token-ids.ts';

/**
 * Reads activations of one forward pass, by path.
 *
 *     const seen = await tap(model, ids, ['transformer.h.*.attn', 'transformer.ln_f']);
 *     seen.get('transformer.h.0.attn'); // { shape: [1, T, C], data, dtype }
 *
 * @param patterns paths in which `*` stands for one part, `**` for any number of parts; {@link activationPaths} lists those of
 *   a model
 * @param ctx of the pass: a KV cache, padding, edits (`editing`)
 * @returns a copy on the host for each path that a pattern matches, in the order of the pass
 * @throws UnknownPathError if a pattern matches none
 * @throws ShapeError, TokenRangeError for ids that the model cannot take
 */
export async function tap(
  model: LanguageModel,
  ids: TokenIds,
  patterns: string | readonly string[],
  ctx: Context = Context.evaluation(),
): Promise<Map<string, HostTensor>> {
  const recording = record(ctx, patterns);
  try {
    tidy(() => void model.call(idTensor(ids, model.vocabSize), recording.ctx));
    checkMatched(model, patterns, [...recording.tensors.keys()]);
    return await recording.read();
  } finally {
    recording.dispose();
  }
}

/** What is kept of a pass. */
export interface Recording {
  /** The context to call the model with. */
  readonly ctx: Context;
  /** Copies of the activations by path; of a path that is met twice, the latest. The recording owns them. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Copies them to the host. */
  read(): Promise<Map<string, HostTensor>>;
  /** Frees them. */
  dispose(): void;
}

/**
 * Keeps activations of whatever passes are made with its context, a training step with its gradient included. What `tap` does
 * in one call:
 *
 *     const recording = record(Context.training({ rng }), 'transformer.h.*.attn.attention');
 *     const { value, grads } = valueAndGrads(() => loss(model.call(ids, recording.ctx)), parameters(model));
 *     const weights = await recording.read();
 *     recording.dispose();
 *
 * A pattern that matches nothing is not told of: ask `activationPaths(model, patterns)` beforehand.
 *
 * @param patterns as in {@link tap}
 */
export function record(ctx: Context, patterns: string | readonly string[]): Recording {
  const tensors = new Map<string, Tensor>();
  const see = (path: string, activation: Tensor) => {
    tensors.get(path)?.dispose();
    tensors.set(path, keep(clone(activation)));
    return undefined;
  };
  return {
    ctx: ctx.listen(see, matcher(toArray(patterns))),
    tensors,
    read: async () => {
      const read = [...tensors].map(async ([path, tensor]) => [path, await toHost(tensor)] as const);
      return new Map(await Promise.all(read));
    },
    dispose: () => {
      dispose([...tensors.values()]);
      tensors.clear();
    },
  };
}

/** @throws UnknownPathError if a pattern matches none of the paths that were met, and no other either */
export function checkMatched(
  model: LanguageModel,
  patterns: string | readonly string[],
  met: readonly string[],
): void {
  const unmatched = toArray(patterns).filter((pattern) => !met.some((path) => matcher([pattern]).test(path)));
  if (unmatched.length > 0) activationPaths(model, unmatched);
}
