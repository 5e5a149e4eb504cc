// Dropout whose mask is drawn where it is used, from the generator of `Rng` in @minigpt/core: nothing is kept for the gradient.

import { read, write } from './simd';

/** Elements in a unit, a multiple of 8. */
const ELEMENTS = 4096;

/** What {@link threefry} gives: the first words of four counters, and the second. */
let firstWords: v128 = i32x4.splat(0);
let secondWords: v128 = i32x4.splat(0);

function rotated(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/**
 * Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw 2011) of four counters; their second words are 0.
 *
 * @param key where its two words lie
 */
function threefry(key: usize, counters: v128): void {
  const word0 = v128.load32_splat(key);
  let a = v128.load32_splat(key, 4);
  let b = v128.xor(v128.xor(word0, a), i32x4.splat(0x1bd11bda));
  let c = word0;
  let x = i32x4.add(counters, word0);
  let y = a;
  for (let i = 0; ; i += 2) {
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 13), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 15), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 26), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 6), x);
    x = i32x4.add(x, a);
    y = i32x4.add(y, i32x4.add(b, i32x4.splat(i + 1)));
    if (i === 4) break;
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 17), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 29), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 16), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 24), x);
    x = i32x4.add(x, b);
    y = i32x4.add(y, i32x4.add(c, i32x4.splat(i + 2)));
    // The three words of the key take turns.
    const last = c;
    c = b;
    b = a;
    a = last;
  }
  firstWords = x;
  secondWords = y;
}

/** `kept` where a word, as a number in [0, 1) of 24 bits, reaches the threshold, 0 elsewhere. */
function factors(words: v128, threshold: i32, kept: f32): v128 {
  return v128.and(i32x4.ge_s(i32x4.shr_u(words, 8), i32x4.splat(threshold)), f32x4.splat(kept));
}

/** The factors of elements that lie anywhere, given their indices. */
export function factorsAt(key: usize, threshold: i32, kept: f32, indices: v128): v128 {
  threefry(key, i32x4.shr_u(indices, 1));
  const isOdd = i32x4.ne(v128.and(indices, i32x4.splat(1)), i32x4.splat(0));
  return factors(v128.bitselect(secondWords, firstWords, isOdd), threshold, kept);
}

/** Arguments: x, out, count, key, threshold as an integer of 24 bits, factor of what is kept. */
export function dropout(args: usize, unit: i32): void {
  const start = unit * ELEMENTS;
  const key = load<usize>(args, 12);
  const threshold = load<i32>(args, 16);
  const kept = load<f32>(args, 20);
  let x = load<usize>(args) + ((<usize>start) << 2);
  let out = load<usize>(args, 4) + ((<usize>start) << 2);
  let counters = i32x4.add(i32x4.splat(start >> 1), i32x4(0, 1, 2, 3));
  for (let rest = min(ELEMENTS, load<i32>(args, 8) - start); rest > 0; rest -= 8, x += 32, out += 32) {
    threefry(key, counters);
    counters = i32x4.add(counters, i32x4.splat(4));
    const even = factors(firstWords, threshold, kept);
    const odd = factors(secondWords, threshold, kept);
    write(out, f32x4.mul(read(x, rest), v128.shuffle<f32>(even, odd, 0, 4, 1, 5)), rest);
    if (rest <= 4) break;
    write(out + 16, f32x4.mul(read(x + 16, rest - 4), v128.shuffle<f32>(even, odd, 2, 6, 3, 7)), rest - 4);
  }
}
