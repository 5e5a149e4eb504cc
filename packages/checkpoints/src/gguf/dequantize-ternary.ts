import { float16Table } from './float16.ts';

/* ggml's ternary formats (ggml-common.h, ggml-quants.c), for models whose weights are −1, 0 or 1 times a scale. */

/** Powers of three: multiplying a byte by 3ⁿ, modulo 256, brings its digit n to the front. */
const POWERS = Uint8Array.of(1, 3, 9, 27, 81);

/** The first base-3 digit of a byte that stands for the fraction byte/256, less one. */
function digit(byte: number, power: number): number {
  return ((((byte * power) & 255) * 3) >> 8) - 1;
}

/** Runs of bytes, and the digits of each that are used: five in 48 bytes, then four in 4 bytes. */
const TQ1_RUNS = [
  { begin: 0, length: 32, digits: 5 },
  { begin: 32, length: 16, digits: 5 },
  { begin: 48, length: 4, digits: 4 },
] as const;

/** Block of 256: 52 bytes of base-3 digits, d. v = d·(digit − 1) */
export function dequantizeTQ1_0(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 54) {
    const d = float16[bytes[at + 52] | (bytes[at + 53] << 8)];
    for (const { begin, length, digits } of TQ1_RUNS) {
      for (let n = 0; n < digits; n++) {
        for (let i = 0; i < length; i++) values[out++] = d * digit(bytes[at + begin + i], POWERS[n]);
      }
    }
  }
}

/** Block of 256: 64 bytes of 2-bit values, d. v = d·(q − 1) */
export function dequantizeTQ2_0(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 66) {
    const d = float16[bytes[at + 64] | (bytes[at + 65] << 8)];
    for (let begin = at; begin < at + 64; begin += 32) {
      for (let shift = 0; shift < 8; shift += 2) {
        for (let i = 0; i < 32; i++) values[out++] = d * (((bytes[begin + i] >> shift) & 3) - 1);
      }
    }
  }
}
