import type { TokenStream } from '@minigpt/data';

export interface CountedPairs {
  /** Row-major `[V, V]`: the probability of the second token after the first. */
  readonly probabilities: Float64Array;
  /** Mean nats per token over all pairs of a text. */
  loss(tokens: TokenStream): number;
}

/** The bigram table by counting: (count of the pair + `added`) / (count of the first token + V · `added`). */
export function countPairs(tokens: TokenStream, vocabSize: number, added = 1): CountedPairs {
  const probabilities = new Float64Array(vocabSize ** 2).fill(added);
  for (let i = 1; i < tokens.length; i++) probabilities[tokens[i - 1]! * vocabSize + tokens[i]!]! += 1;
  for (let row = 0; row < vocabSize; row++) {
    const cells = probabilities.subarray(row * vocabSize, (row + 1) * vocabSize);
    const total = cells.reduce((sum, count) => sum + count, 0);
    cells.forEach((count, j) => {
      cells[j] = count / total;
    });
  }
  return {
    probabilities,
    loss(held) {
      let nats = 0;
      for (let i = 1; i < held.length; i++)
        nats -= Math.log(probabilities[held[i - 1]! * vocabSize + held[i]!]!);
      return nats / (held.length - 1);
    },
  };
}
