import { type Context, Module, type Rng } from '@minigpt/core';
import { split, type Tensor } from '@tensorflow/tfjs-core';
import { causalAttention } from './causal-attention.ts';
import { Conv1D } from './conv1d.ts';
import { Dropout } from './dropout.ts';
import { checkWidth, mergeHeads, splitHeads } from './heads.ts';
import { type Initializer, normal } from './initializers.ts';

export interface CausalSelfAttentionOptions {
  /** C: width in and out. */
  readonly nEmbd: number;
  /** H: the number of heads, which divides C. */
  readonly nHead: number;
  readonly bias?: boolean;
  /** What the scores are multiplied by; 1/√D unless told. */
  readonly scale?: number;
  /** Of the attention weights. */
  readonly attnDropout?: number;
  /** Of the output. */
  readonly residDropout?: number;
  readonly weightInit?: Initializer;
  /** Of the output projection, whose output is added to the residual stream. */
  readonly projectionInit?: Initializer;
  readonly rng: Rng;
}

/**
 * GPT-2's multi-head attention, in which no position sees a later one; float32 `[B, T, C]` → `[B, T, C]`. `c_attn` gives
 * queries, keys and values in one product. Cache, padding and taps as in `causalAttention`.
 *
 * @throws ConfigError if `nHead` does not divide `nEmbd`
 */
export class CausalSelfAttention extends Module {
  readonly c_attn: Conv1D;
  readonly c_proj: Conv1D;
  readonly attn_dropout: Dropout;
  readonly resid_dropout: Dropout;
  readonly nHead: number;
  readonly scale: number;

  constructor({
    nEmbd,
    nHead,
    bias = true,
    scale = (nEmbd / nHead) ** -0.5,
    attnDropout = 0,
    residDropout = 0,
    weightInit = normal(0.02),
    projectionInit = weightInit,
    rng,
  }: CausalSelfAttentionOptions) {
    super();
    checkWidth(nEmbd, nHead);
    this.c_attn = new Conv1D({
      inFeatures: nEmbd,
      outFeatures: 3 * nEmbd,
      bias,
      weightInit,
      rng: rng.fold('c_attn'),
    });
    this.c_proj = new Conv1D({
      inFeatures: nEmbd,
      outFeatures: nEmbd,
      bias,
      weightInit: projectionInit,
      rng: rng.fold('c_proj'),
    });
    this.attn_dropout = new Dropout({ rate: attnDropout });
    this.resid_dropout = new Dropout({ rate: residDropout });
    this.nHead = nHead;
    this.scale = scale;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const [q, k, v] = split(this.c_attn.call(x, ctx.at('c_attn')), 3, -1).map((part) =>
      splitHeads(part, this.nHead),
    );
    const { scale, attn_dropout: dropout } = this;
    const out = mergeHeads(causalAttention(q, k, v, ctx, { scale, dropout: dropout.rate })); // [B, T, C]
    return this.resid_dropout.call(this.c_proj.call(out, ctx.at('c_proj')), ctx.at('resid_dropout'));
  }
}
