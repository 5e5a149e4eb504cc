import { ConfigError } from '@minigpt/core';

/** How the angles are stretched for contexts longer than those trained on; `theta` and lengths are the model's. */
export type RopeScaling =
  | { readonly type: 'default' }
  /** All angles divided by `factor` (Chen et al. 2023, "Extending context window … via positional interpolation"). */
  | { readonly type: 'linear'; readonly factor: number }
  /** A larger base once the pass is longer than the model's context (bloc97 and emozilla 2023, "dynamic NTK"). */
  | { readonly type: 'dynamic'; readonly factor: number }
  | YarnScaling
  | Llama3Scaling
  | LongRopeScaling;

/** Peng, Quesnelle, Fan, Shippole 2023, "YaRN". */
export interface YarnScaling {
  readonly type: 'yarn';
  readonly factor: number;
  readonly originalLength: number;
  /** Dimensions that turn more often than this over the original length keep their angle. */
  readonly betaFast?: number;
  /** Dimensions that turn less often than this are interpolated. */
  readonly betaSlow?: number;
  /** What cos and sin are multiplied by; 0.1 ln(factor) + 1 unless told, or a ratio of two such where both `mscale` are given. */
  readonly attentionFactor?: number;
  readonly mscale?: number;
  readonly mscaleAllDim?: number;
  /** Whether the bounds of the ramp are whole dimensions. */
  readonly truncate?: boolean;
}

/** Llama Team 2024, "The Llama 3 herd of models": long waves slowed down, short ones kept, a ramp between. */
export interface Llama3Scaling {
  readonly type: 'llama3';
  readonly factor: number;
  readonly lowFreqFactor: number;
  readonly highFreqFactor: number;
  readonly originalLength: number;
}

/** Ding et al. 2024, "LongRoPE": a factor a dimension, one list up to the original length and another beyond (Phi-3). */
export interface LongRopeScaling {
  readonly type: 'longrope';
  readonly shortFactor: readonly number[];
  readonly longFactor: readonly number[];
  readonly originalLength: number;
  /** How much longer the context became; sets `attentionFactor` unless that is given. */
  readonly factor: number;
  readonly attentionFactor?: number;
}

export interface RopeFrequenciesOptions {
  /** R: how many dimensions of a head turn; even. */
  readonly rotaryDim: number;
  /** The base of the angles, 10000 in the paper. */
  readonly theta: number;
  readonly scaling?: RopeScaling;
  /** The context that the model was made for (`dynamic`). */
  readonly maxLength: number;
  /** How long the sequence is at the end of this pass (`dynamic` and `longrope`). */
  readonly length: number;
}

export interface RopeFrequencies {
  /** Radians per position, `[R/2]`, as transformers computes them: float32 at each step. */
  readonly invFreq: Float32Array;
  /** What cos and sin are multiplied by. */
  readonly attentionScaling: number;
}

/**
 * `theta^(-2i/R)` for i = 0…R/2-1, scaled.
 *
 * @throws ConfigError if the number of rotated dimensions is odd, or a LongRoPE list is not R/2 long
 */
export function ropeFrequencies(options: RopeFrequenciesOptions): RopeFrequencies {
  const { rotaryDim, theta, scaling = { type: 'default' }, maxLength, length } = options;
  if (rotaryDim % 2 !== 0 || rotaryDim < 2) {
    throw new ConfigError('rotaryDim', `An even number of dimensions must rotate, but it is ${rotaryDim}.`);
  }
  switch (scaling.type) {
    case 'default':
      return { invFreq: inverse(powers(rotaryDim, theta)), attentionScaling: 1 };
    case 'linear': {
      const invFreq = inverse(powers(rotaryDim, theta)).map((value) => value / scaling.factor);
      return { invFreq, attentionScaling: 1 };
    }
    case 'dynamic': {
      const stretch = (scaling.factor * Math.max(length, maxLength)) / maxLength - (scaling.factor - 1);
      const base = theta * stretch ** (rotaryDim / (rotaryDim - 2));
      return { invFreq: inverse(powers(rotaryDim, base)), attentionScaling: 1 };
    }
    case 'yarn':
      return yarn(rotaryDim, theta, scaling);
    case 'llama3':
      return { invFreq: llama3(inverse(powers(rotaryDim, theta)), scaling), attentionScaling: 1 };
    case 'longrope':
      return longRope(rotaryDim, theta, length, scaling);
  }
}

/** `theta^(2i/R)`, float32 */
function powers(rotaryDim: number, theta: number): Float32Array {
  return Float32Array.from({ length: rotaryDim / 2 }, (_, i) => theta ** Math.fround((2 * i) / rotaryDim));
}

const inverse = (values: Float32Array) => values.map((value) => 1 / value);

function yarn(rotaryDim: number, theta: number, scaling: YarnScaling): RopeFrequencies {
  const { factor, originalLength, betaFast = 32, betaSlow = 1, truncate = true } = scaling;
  /** The dimension that turns so often over the original length. */
  const dimensionOf = (turns: number) =>
    (rotaryDim * Math.log(originalLength / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [low, high] = truncate
    ? [Math.floor(dimensionOf(betaFast)), Math.ceil(dimensionOf(betaSlow))]
    : [dimensionOf(betaFast), dimensionOf(betaSlow)];
  const from = Math.max(low, 0);
  const to = Math.min(high, rotaryDim - 1);
  const width = to === from ? 0.001 : to - from;
  const invFreq = powers(rotaryDim, theta).map((power, i) => {
    const interpolated = Math.fround(Math.min(1, Math.max(0, (i - from) / width)));
    const kept = Math.fround(1 - interpolated);
    return (
      Math.fround(1 / Math.fround(factor * power)) * Math.fround(1 - kept) + Math.fround(1 / power) * kept
    );
  });
  return { invFreq, attentionScaling: yarnAttentionScaling(scaling) };
}

function yarnAttentionScaling({ factor, attentionFactor, mscale, mscaleAllDim }: YarnScaling): number {
  const of = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  if (attentionFactor !== undefined) return attentionFactor;
  return mscale && mscaleAllDim ? of(mscale) / of(mscaleAllDim) : of(1);
}

function llama3(invFreq: Float32Array, scaling: Llama3Scaling): Float32Array {
  const { factor, lowFreqFactor, highFreqFactor, originalLength } = scaling;
  return invFreq.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength > originalLength / lowFreqFactor) return frequency / factor;
    if (wavelength < originalLength / highFreqFactor) return frequency;
    const smooth = (originalLength / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  });
}

function longRope(
  rotaryDim: number,
  theta: number,
  length: number,
  scaling: LongRopeScaling,
): RopeFrequencies {
  const { shortFactor, longFactor, originalLength, factor } = scaling;
  const factors = length > originalLength ? longFactor : shortFactor;
  if (factors.length !== rotaryDim / 2) {
    throw new ConfigError(
      'factor',
      `LongRoPE needs a factor for each of the ${rotaryDim / 2} pairs of dimensions, but ${factors.length} came.`,
    );
  }
  const { attentionFactor } = scaling;
  const recommended = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalLength));
  const invFreq = powers(rotaryDim, theta).map(
    (power, i) => 1 / Math.fround(Math.fround(factors[i]) * power),
  );
  return { invFreq, attentionScaling: attentionFactor ?? recommended };
}

/** cos and sin of each position's angles, row-major `[N, R/2]`, computed in float64 from the float32 frequencies. */
export function ropeTables(
  positions: ArrayLike<number>,
  { invFreq, attentionScaling }: RopeFrequencies,
): { readonly cos: Float32Array; readonly sin: Float32Array } {
  const width = invFreq.length;
  const cos = new Float32Array(positions.length * width);
  const sin = new Float32Array(positions.length * width);
  for (let n = 0; n < positions.length; n++) {
    for (let i = 0; i < width; i++) {
      const angle = positions[n] * invFreq[i];
      cos[n * width + i] = Math.cos(angle) * attentionScaling;
      sin[n * width + i] = Math.sin(angle) * attentionScaling;
    }
  }
  return { cos, sin };
}
