import { ConfigError, type Context, Module, type Rng } from '@minigpt/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { causalAttention } from './causal-attention.ts';
import { mergeHeads, splitHeads } from './heads.ts';
import { type Initializer, normal, zeros } from './initializers.ts';
import { Linear } from './linear.ts';
import { RMSNorm } from './rms-norm.ts';
import type { RotaryEmbedding } from './rotary-embedding.ts';

export interface GroupedQueryAttentionOptions {
  /** C: width in and out. */
  readonly hiddenSize: number;
  /** H: the number of query heads. */
  readonly numHeads: number;
  /** H': the number of key and value heads, which divides H; H unless told. */
  readonly numKeyValueHeads?: number;
  /** D; C / H unless told. */
  readonly headDim?: number;
  readonly rotary: RotaryEmbedding;
  /** Biases of the projections to queries, keys and values. */
  readonly qkvBias?: boolean;
  readonly outputBias?: boolean;
  /** RMS norms of queries and keys before they turn: over each `head` (Qwen 3), or over the whole `width` (OLMo 2). */
  readonly qkNorm?: { readonly over: 'head' | 'width'; readonly eps: number };
  /** How many keys a query sees, itself included; all before it unless told. */
  readonly window?: number;
  /** What the scores are multiplied by; 1/√D unless told. */
  readonly scale?: number;
  readonly softcap?: number;
  /** Of the attention weights. */
  readonly dropout?: number;
  readonly weightInit?: Initializer;
  readonly rng: Rng;
}

/**
 * Self-attention with rotary positions and fewer key than query heads (Ainslie et al. 2023, "GQA"), as Llama and its kin have
 * it; float32 `[B, T, C]` → `[B, T, C]`. Cache, padding and taps as in `causalAttention`.
 *
 * @throws ConfigError if the key heads do not divide the query heads
 */
export class GroupedQueryAttention extends Module {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  readonly q_norm?: RMSNorm;
  readonly k_norm?: RMSNorm;
  readonly settings: GroupedQueryAttentionSettings;

  constructor({ rng, weightInit = normal(0.02), ...options }: GroupedQueryAttentionOptions) {
    super();
    const { hiddenSize, numHeads, qkvBias = false, outputBias = false, qkNorm } = options;
    const { numKeyValueHeads = numHeads, headDim = hiddenSize / numHeads } = options;
    checkHeads(hiddenSize, numHeads, numKeyValueHeads, headDim);
    this.settings = { ...options, numKeyValueHeads, headDim };
    const [width, keyWidth] = [numHeads * headDim, numKeyValueHeads * headDim];
    const linear = (name: string, inFeatures: number, outFeatures: number, bias: boolean) =>
      new Linear({ inFeatures, outFeatures, bias, weightInit, biasInit: zeros, rng: rng.fold(name) });
    this.q_proj = linear('q_proj', hiddenSize, width, qkvBias);
    this.k_proj = linear('k_proj', hiddenSize, keyWidth, qkvBias);
    this.v_proj = linear('v_proj', hiddenSize, keyWidth, qkvBias);
    this.o_proj = linear('o_proj', width, hiddenSize, outputBias);
    if (qkNorm !== undefined) {
      const { over, eps } = qkNorm;
      this.q_norm = new RMSNorm({ size: over === 'head' ? headDim : width, eps });
      this.k_norm = new RMSNorm({ size: over === 'head' ? headDim : keyWidth, eps });
    }
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const { numHeads, numKeyValueHeads, rotary, qkNorm, ...options } = this.settings;
    const normed = (y: Tensor, name: 'q_norm' | 'k_norm', over: 'head' | 'width') =>
      qkNorm?.over === over ? (this[name] as RMSNorm).call(y, ctx.at(name)) : y;
    const heads = (name: 'q' | 'k', count: number) => {
      const projected = this[`${name}_proj`].call(x, ctx.at(`${name}_proj`)); // [B, T, H D]
      const split = splitHeads(normed(projected, `${name}_norm`, 'width'), count); // [B, H, T, D]
      return rotary.rotate(normed(split, `${name}_norm`, 'head') as typeof split, ctx);
    };
    const q = heads('q', numHeads);
    const k = heads('k', numKeyValueHeads);
    const v = splitHeads(this.v_proj.call(x, ctx.at('v_proj')), numKeyValueHeads); // [B, H', T, D]
    const out = mergeHeads(causalAttention(q, k, v, ctx, options)); // [B, T, H D]
    return this.o_proj.call(out, ctx.at('o_proj'));
  }
}

type GroupedQueryAttentionSettings = Omit<GroupedQueryAttentionOptions, 'rng' | 'weightInit'> & {
  readonly numKeyValueHeads: number;
  readonly headDim: number;
};

/** @throws ConfigError if the heads do not divide the width, or the key heads the query heads */
export function checkHeads(
  hiddenSize: number,
  numHeads: number,
  numKeyValueHeads: number,
  headDim: number,
): void {
  if (!Number.isInteger(headDim)) {
    throw new ConfigError(
      'numHeads',
      `The width must be divisible by the number of heads where no head size is given, but the width is ${hiddenSize} and there are ${numHeads} heads.`,
    );
  }
  if (numHeads % numKeyValueHeads !== 0) {
    throw new ConfigError(
      'numKeyValueHeads',
      `The number of heads must be divisible by that of key heads, but there are ${numHeads} heads and ${numKeyValueHeads} key heads.`,
    );
  }
}
