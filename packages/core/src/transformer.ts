import type { Tensor } from '@tensorflow/tfjs-core';
import type { Context } from './context.ts';
import { LanguageModel } from './language-model.ts';
import { Module } from './module.ts';

/** What a block calls its parts: names of modules below it. */
export interface BlockAnatomy {
  readonly attention: string;
  /** The module below the attention that mixes its heads, side by side, into the residual stream. */
  readonly projection: string;
  /** The norm of what the attention adds, where there is one (OLMo 2, Gemma 2). */
  readonly attentionNorm?: string;
  readonly mlp: string;
  /** The norm of what the MLP adds. */
  readonly mlpNorm?: string;
  /** The attention and the MLP read the same residual stream, side by side; else it can be seen between them as `resid_mid`. */
  readonly parallel?: boolean;
}

/** One block of a Transformer: what its attention and its MLP make of the residual stream is added to it. */
export abstract class TransformerBlock extends Module {
  abstract get anatomy(): BlockAnatomy;
}

/** Where the parts of a Transformer lie, as paths; whoever looks into a model of any family finds them by it. */
export interface Anatomy {
  /** What enters the first block: the embeddings, with all that is done to them. */
  readonly embedding: string;
  /** The part of it that learned positions give. */
  readonly positions?: string;
  /** The blocks; `model.layers.0` is both the block and the residual stream after it. */
  readonly blocks: readonly (BlockAnatomy & { readonly path: string })[];
  /** The norm after the last block. */
  readonly norm: string;
  /** The logits before any soft cap, also where the output is tied to the embedding. */
  readonly unembedding: string;
}

/** A language model whose blocks add to one residual stream, which a norm and an output layer turn into logits. */
export abstract class Transformer extends LanguageModel {
  override readonly supportsCache = true;

  abstract get anatomy(): Anatomy;

  /** The normed residual stream, float32 `[B, T, C]` → logits `[B, T, V]`. Like `forward` it disposes nothing. */
  abstract unembed(x: Tensor, ctx: Context): Tensor;
}
