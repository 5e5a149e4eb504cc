import { type Context, Module, type Rng } from '@minigpt/core';
import { geglu, swiglu } from '@minigpt/ops';
import { mul, type Tensor } from '@tensorflow/tfjs-core';
import { type ActivationName, activations } from './activations.ts';
import { type Initializer, normal, zeros } from './initializers.ts';
import { Linear } from './linear.ts';

export interface GatedMLPOptions {
  /** C: width in and out. */
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** `silu` makes it SwiGLU, the tanh form of `gelu` GeGLU. */
  readonly activation?: ActivationName;
  readonly bias?: boolean;
  readonly weightInit?: Initializer;
  readonly rng: Rng;
}

/**
 * A gated feed-forward block, `down_proj(activation(gate_proj(x)) · up_proj(x))` (Shazeer 2020, "GLU variants improve
 * transformer"); float32 `[..., C]` → `[..., C]`.
 */
export class GatedMLP extends Module {
  readonly gate_proj: Linear;
  readonly up_proj: Linear;
  readonly down_proj: Linear;
  readonly activation: ActivationName;

  constructor({
    hiddenSize,
    intermediateSize,
    activation = 'silu',
    bias = false,
    weightInit = normal(0.02),
    rng,
  }: GatedMLPOptions) {
    super();
    const linear = (name: string, inFeatures: number, outFeatures: number) =>
      new Linear({ inFeatures, outFeatures, bias, weightInit, biasInit: zeros, rng: rng.fold(name) });
    this.gate_proj = linear('gate_proj', hiddenSize, intermediateSize);
    this.up_proj = linear('up_proj', hiddenSize, intermediateSize);
    this.down_proj = linear('down_proj', intermediateSize, hiddenSize);
    this.activation = activation;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const gate = this.gate_proj.call(x, ctx.at('gate_proj')); // [..., intermediateSize]
    const up = this.up_proj.call(x, ctx.at('up_proj'));
    const hidden = ctx.observe(gated(this.activation, gate, up), 'hidden');
    return this.down_proj.call(hidden, ctx.at('down_proj'));
  }
}

/** `activation(gate) · up`, in one operation where there is one. */
export function gated(activation: ActivationName, gate: Tensor, up: Tensor): Tensor {
  const activate = activations[activation];
  if (activate === activations.silu) return swiglu(gate, up);
  if (activate === activations.gelu_new) return geglu(gate, up);
  return mul(activate(gate), up);
}
