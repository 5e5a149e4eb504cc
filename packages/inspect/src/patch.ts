import { Context, fromHost, type HostTensor, type LanguageModel, ShapeError, toHost } from '@minigpt/core';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { matcher } from './paths.ts';
import { checkMatched } from './tap.ts';
import { idTensor, type TokenIds } from './token-ids.ts';

/** Makes of an activation what is used in its place, of the same shape. It runs inside a `tidy` and disposes nothing. */
export type Edit = (activation: Tensor, path: string) => Tensor;

/** What to do to the activations whose paths match: an edit, or the values to put in their place. */
export type Edits = Readonly<Record<string, Edit | HostTensor>>;

/**
 * Runs one forward pass with activations replaced, and returns the logits.
 *
 *     await patch(model, ids, { 'transformer.h.3.attn.z': zeroHeads(0, 5) }); // without two heads of layer 3
 *     await patch(model, ids, { 'transformer.h.3': seen.get('transformer.h.3')! }); // with what `tap` saw elsewhere
 *
 * @param edits by pattern, see `tap`; where several match a path, they are applied in this order
 * @param ctx of the pass: a KV cache, padding, `record`
 * @returns float32 `[B, T', V]`
 * @throws UnknownPathError if a pattern matches no path
 * @throws ShapeError if an edit changes a shape, or for ids that the model cannot take
 * @throws TokenRangeError
 */
export async function patch(
  model: LanguageModel,
  ids: TokenIds,
  edits: Edits,
  ctx: Context = Context.evaluation(),
): Promise<HostTensor> {
  const met: string[] = [];
  const noting = Object.keys(edits).reduce(
    (noting, pattern) => noting.listen((path) => void met.push(path), matcher([pattern])),
    ctx,
  );
  const logits = tidy(() => model.call(idTensor(ids, model.vocabSize), editing(noting, edits)));
  try {
    checkMatched(model, Object.keys(edits), met);
    return await toHost(logits);
  } finally {
    logits.dispose();
  }
}

/**
 * A context whose passes make these edits: for training with them, or to `tap` a pass that is edited. Gradients flow through an
 * edit as they do through any operation, and not into values that are put in place.
 *
 * A pattern that matches nothing is not told of: ask `activationPaths(model, patterns)` beforehand.
 */
export function editing(ctx: Context, edits: Edits): Context {
  return Object.entries(edits).reduce(
    (edited, [pattern, edit]) =>
      edited.listen(
        (path, activation) => {
          const made = typeof edit === 'function' ? edit(activation, path) : fromHost(edit);
          if (made.shape.join() === activation.shape.join()) return made;
          throw new ShapeError(`What replaces '${path}'`, `[${activation.shape}]`, made.shape);
        },
        matcher([pattern]),
      ),
    ctx,
  );
}
