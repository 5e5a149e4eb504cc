import type { HostTensor } from '@minigpt/core';
import type { Checkpoint } from '../../checkpoint.ts';

/** A checkpoint whose every part tells the step that it was saved at. */
export function exampleCheckpoint(step: number, floats = 6): Checkpoint {
  const tensor: HostTensor = { dtype: 'float32', shape: [floats], data: new Float32Array(floats).fill(step) };
  const words = Array.from({ length: 5 }, (_, id) => [`word ${step} ${id}`, id] as const);
  return {
    config: { model_type: 'example', vocab_size: 5, step },
    weights: new Map([['h.0.weight', tensor]]),
    optimizer: new Map([['m.h.0.weight', tensor]]),
    tokenizer: { model: { type: 'WordLevel', vocab: Object.fromEntries(words) } },
    training: { step },
  };
}
