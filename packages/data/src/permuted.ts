import type { Rng } from '@minigpt/core';

const ROUNDS = 4;

/**
 * Where `index` goes in a pseudo-random order of 0…`count` - 1: a function that takes no memory, however many there are.
 *
 * It is a Feistel network (Luby and Rackoff 1988: four rounds make a permutation that cannot be told from a random one) on the
 * smallest square of a power of two that holds `count`, walked until it comes out below `count` (Black and Rogaway 2002).
 *
 * @param count at most 2^52
 */
export function permuted(index: number, count: number, key: Rng): number {
  let half = 1;
  while (half * half < count) half *= 2;

  let at = index;
  do {
    let left = Math.floor(at / half);
    let right = at % half;
    for (let round = 0; round < ROUNDS; round++) {
      const mixed = Math.floor(key.fold(round).fold(right).unit() * half);
      [left, right] = [right, (left + mixed) % half];
    }
    at = left * half + right;
  } while (at >= count);
  return at;
}
