import type { TokenBatch } from '@minigpt/core';
import type { TokenSequence } from './token-sequence.ts';

/** The windows of `blockSize` tokens at `starts`, with the token that follows each of theirs; both `[B, T]`. */
export function gather(tokens: TokenSequence, starts: ArrayLike<number>, blockSize: number): TokenBatch {
  const inputs = new Int32Array(starts.length * blockSize);
  const targets = new Int32Array(starts.length * blockSize);
  for (let row = 0; row < starts.length; row++) {
    const window = tokens.subarray(starts[row], starts[row] + blockSize + 1); // one read for both
    for (let t = 0; t < blockSize; t++) {
      inputs[row * blockSize + t] = window[t];
      targets[row * blockSize + t] = window[t + 1];
    }
  }
  return { inputs, targets, shape: [starts.length, blockSize] };
}
