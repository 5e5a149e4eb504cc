import type { HostTensor } from '@minigpt/core';

/** The final norm and the output layer of a model, on the host. */
export interface ReferenceHead {
  /** `layer` takes the mean away; `rms` does not. */
  readonly norm: 'layer' | 'rms';
  readonly eps: number;
  /** `[C]`: what the normed values are multiplied by, and what is added. */
  readonly scale: ArrayLike<number>;
  readonly shift?: ArrayLike<number>;
  /** `[V, C]` */
  readonly output: HostTensor;
  /** `[V]` */
  readonly outputBias?: ArrayLike<number>;
  readonly softcap?: number;
}

/** The logits of one row of the residual stream, `[C]` → `[V]`, in float64 and step by step: what the lens is tested against. */
export function referenceLens(stream: ArrayLike<number>, head: ReferenceHead): number[] {
  const x = Array.from(stream);
  const average = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const center = head.norm === 'layer' ? average(x) : 0;
  const size = Math.sqrt(average(x.map((value) => (value - center) ** 2)) + head.eps);
  const normed = x.map((value, c) => ((value - center) / size) * head.scale[c] + (head.shift?.[c] ?? 0));
  return Array.from({ length: head.output.shape[0] }, (_, id) => {
    const row = head.output.data.subarray(id * x.length, (id + 1) * x.length);
    const logit = normed.reduce((sum, value, c) => sum + value * row[c], head.outputBias?.[id] ?? 0);
    return head.softcap === undefined ? logit : head.softcap * Math.tanh(logit / head.softcap);
  });
}

export function logSoftmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
  return logits.map((logit) => logit - highest - total);
}
