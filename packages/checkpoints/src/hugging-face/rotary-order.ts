import type { HostTensor } from '@minigpt/core';

/*
 * The rows of a query or key projection, per head of D. Rotary embeddings turn pairs of them: Hugging Face's models row i with
 * row i + D/2 (halves), Meta's, llama.cpp's and llama2.c's row 2i with row 2i + 1 (pairs).
 */

/** Weight `[heads·D, in]` or bias `[heads·D]` from pairs to halves. */
export function pairsToHalves(tensor: HostTensor, heads: number): HostTensor {
  return reorder(tensor, heads, (row, half) => 2 * (row % half) + Math.floor(row / half));
}

/** Weight `[heads·D, in]` or bias `[heads·D]` from halves to pairs. */
export function halvesToPairs(tensor: HostTensor, heads: number): HostTensor {
  return reorder(tensor, heads, (row, half) => (row % 2) * half + Math.floor(row / 2));
}

/** @param from where a row of a head comes from; `half` is D/2. */
function reorder(
  { dtype, shape, data }: HostTensor,
  heads: number,
  from: (row: number, half: number) => number,
): HostTensor {
  const rows = shape[0];
  const headSize = rows / heads;
  const rowLength = data.length / rows;
  const reordered = data.slice();
  for (let head = 0; head < rows; head += headSize) {
    for (let row = 0; row < headSize; row++) {
      const begin = (head + from(row, headSize / 2)) * rowLength;
      reordered.set(data.subarray(begin, begin + rowLength), (head + row) * rowLength);
    }
  }
  return { dtype, shape, data: reordered };
}
