import { ConfigError, type Context, Module, type Rng } from '@minigpt/core';
import { attend, attention, attentionWeights } from '@minigpt/ops';
import { reshape, split, type Tensor, type Tensor4D, transpose } from '@tensorflow/tfjs-core';
import { Conv1D } from './conv1d.ts';
import { Dropout } from './dropout.ts';
import { type Initializer, normal } from './initializers.ts';

export interface CausalSelfAttentionOptions {
  /** C: width in and out. */
  readonly nEmbd: number;
  /** H: the number of heads, which divides C. */
  readonly nHead: number;
  readonly bias?: boolean;
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
 * queries, keys and values in one product. A tap sees the attention weights `[B, H, T, T]` under `attention`.
 *
 * @throws ConfigError if `nHead` does not divide `nEmbd`
 */
export class CausalSelfAttention extends Module {
  readonly c_attn: Conv1D;
  readonly c_proj: Conv1D;
  readonly attn_dropout: Dropout;
  readonly resid_dropout: Dropout;
  readonly nHead: number;

  constructor({
    nEmbd,
    nHead,
    bias = true,
    attnDropout = 0,
    residDropout = 0,
    weightInit = normal(0.02),
    projectionInit = weightInit,
    rng,
  }: CausalSelfAttentionOptions) {
    super();
    if (nEmbd % nHead !== 0) {
      throw new ConfigError(
        'nHead',
        `The width must be divisible by the number of heads, but the width is ${nEmbd} and there are ${nHead} heads.`,
      );
    }
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
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const [q, k, v] = split(this.c_attn.call(x, ctx.at('c_attn')), 3, -1).map((part) =>
      this.#splitHeads(part),
    );
    const out = this.#mergeHeads(this.#attend(q, k, v, ctx)); // [B, T, C]
    return this.resid_dropout.call(this.c_proj.call(out, ctx.at('c_proj')), ctx.at('resid_dropout'));
  }

  /** The fused form, unless somebody changes or looks at the weights between the two products. */
  #attend(q: Tensor4D, k: Tensor4D, v: Tensor4D, ctx: Context): Tensor4D {
    const dropped = ctx.training && this.attn_dropout.rate > 0;
    if (!dropped && ctx.tap === undefined) return attention(q, k, v, { causal: true });
    const weights = ctx.observe(attentionWeights(q, k, { causal: true }), 'attention'); // [B, H, T, T]
    return attend(this.attn_dropout.call(weights, ctx.at('attn_dropout')) as Tensor4D, v);
  }

  /** `[B, T, C]` → `[B, H, T, D]` */
  #splitHeads(x: Tensor): Tensor4D {
    const [b, t, c] = x.shape;
    return transpose(reshape(x, [b, t, this.nHead, c / this.nHead]), [0, 2, 1, 3]);
  }

  /** `[B, H, T, D]` → `[B, T, C]` */
  #mergeHeads(x: Tensor4D): Tensor {
    const [b, h, t, d] = x.shape;
    return reshape(transpose(x, [0, 2, 1, 3]), [b, t, h * d]);
  }
}
