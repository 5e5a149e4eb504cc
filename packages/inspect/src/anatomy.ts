import { type AnyModule, type LanguageModel, type Module, modules, Transformer } from '@minigpt/core';
import { NotATransformerError } from './errors.ts';

/**
 * Where to see what in one layer, for `tap` and `patch`; the names are TransformerLens's (Nanda & Bloom 2022), the paths the
 * model's own. B batch, T time, S keys, C channels, H heads, H' key heads, D head size.
 */
export interface LayerPaths {
  /** The residual stream that enters the layer, `[B, T, C]`. */
  readonly residPre: string;
  /** The residual stream between attention and MLP, `[B, T, C]`; undefined where they stand side by side. */
  readonly residMid: string | undefined;
  /** The residual stream that leaves the layer, `[B, T, C]`. */
  readonly residPost: string;
  /** Queries `[B, H, T, D]`, keys and values `[B, H', S, D]`; queries and keys are turned where the model turns them. */
  readonly q: string;
  readonly k: string;
  readonly v: string;
  /** Scaled, capped and masked scores, `[B, H, T, S]`. */
  readonly scores: string;
  /** Attention weights, the softmax of the scores, `[B, H, T, S]`. */
  readonly pattern: string;
  /** What each head gathered from the values, `[B, H, T, D]`. */
  readonly z: string;
  /** What the attention adds to the residual stream, `[B, T, C]`; normed where the family norms it. */
  readonly attnOut: string;
  /** What the MLP adds, `[B, T, C]`. */
  readonly mlpOut: string;
}

/**
 * The paths of each layer's activations, layer 0 first.
 *
 * @throws NotATransformerError
 */
export function layerPaths(model: LanguageModel): LayerPaths[] {
  const { embedding, blocks } = asTransformer(model, 'layerPaths').anatomy;
  return blocks.map(({ path, attention, attentionNorm, mlp, mlpNorm, parallel = false }, i) => {
    const at = (...parts: readonly string[]) => [path, ...parts].join('.');
    return {
      residPre: i === 0 ? embedding : blocks[i - 1].path,
      residMid: parallel ? undefined : at('resid_mid'),
      residPost: path,
      q: at(attention, 'q'),
      k: at(attention, 'k'),
      v: at(attention, 'v'),
      scores: at(attention, 'scores'),
      pattern: at(attention, 'attention'),
      z: at(attention, 'z'),
      attnOut: at(attentionNorm ?? attention),
      mlpOut: at(mlpNorm ?? mlp),
    };
  });
}

/** @throws NotATransformerError */
export function asTransformer(model: LanguageModel, what: string): Transformer {
  if (model instanceof Transformer) return model;
  throw new NotATransformerError(what, model.constructor.name);
}

/** The module at a path of the model's anatomy. */
export function moduleAt(model: Transformer, path: string): Module {
  const found = new Map<string, AnyModule>(modules(model)).get(path);
  if (found === undefined)
    throw new Error(`The anatomy of ${model.constructor.name} names '${path}', which it lacks.`);
  return found;
}
