import { float16Table } from './float16.ts';

/*
 * ggml's K formats (ggml-common.h, ggml-quants.c): super-blocks of 256 values in sub-blocks of 16 or 32, each with a small
 * integer scale (and minimum) of its own that is multiplied by one float16 of the super-block. Products stay below 24 bits,
 * so they are exact and each value is rounded once, as in ggml.
 */

/** Block: 16 bytes of scale and minimum (4 bits each), 64 bytes of 2-bit values, d, dmin. v = d·s·q − dmin·m */
export function dequantizeQ2_K(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 84) {
    const d = float16[bytes[at + 80] | (bytes[at + 81] << 8)];
    const dmin = float16[bytes[at + 82] | (bytes[at + 83] << 8)];
    let scaleAt = at;
    for (let quantsAt = at + 16; quantsAt < at + 80; quantsAt += 32) {
      for (let shift = 0; shift < 8; shift += 2) {
        for (let begin = quantsAt; begin < quantsAt + 32; begin += 16) {
          const packed = bytes[scaleAt++];
          const scale = d * (packed & 15);
          const minimum = dmin * (packed >> 4);
          for (let i = 0; i < 16; i++) values[out++] = scale * ((bytes[begin + i] >> shift) & 3) - minimum;
        }
      }
    }
  }
}

/**
 * Block: 32 bytes of third bits, 64 bytes of 2-bit values, 12 bytes of 6-bit scales, d. v = d·(s − 32)·(q − 4), where q counts
 * its third bit.
 */
export function dequantizeQ3_K(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 110) {
    const d = float16[bytes[at + 108] | (bytes[at + 109] << 8)];
    const scalesAt = at + 96;
    for (let sub = 0; sub < 16; sub++) {
      // Low 4 bits: bytes 0…7, first their low halves. High 2 bits: bytes 8…11, two bits for each group of four scales.
      const low = (bytes[scalesAt + (sub & 7)] >> (sub < 8 ? 0 : 4)) & 15;
      const high = (bytes[scalesAt + 8 + (sub & 3)] >> (2 * (sub >> 2))) & 3;
      const scale = d * ((low | (high << 4)) - 32);
      const half = sub >> 3;
      const shift = 2 * ((sub >> 1) & 3);
      const bit = 4 * half + ((sub >> 1) & 3);
      const thirdBitsAt = at + 16 * (sub & 1);
      const quantsAt = at + 32 + 32 * half + 16 * (sub & 1);
      for (let i = 0; i < 16; i++) {
        const low2 = (bytes[quantsAt + i] >> shift) & 3;
        const third = (bytes[thirdBitsAt + i] >> bit) & 1;
        values[out++] = scale * (low2 + 4 * third - 4);
      }
    }
  }
}

/** Scale `sub` of 8, of 6 bits; with `sub + 4` in the place of the low ones, and so on: see {@link minimumOf}. */
function scaleOf(bytes: Uint8Array, at: number, sub: number): number {
  return sub < 4 ? bytes[at + sub] & 63 : (bytes[at + sub + 4] & 15) | ((bytes[at + sub - 4] >> 6) << 4);
}

/** Minimum `sub` of 8, of 6 bits; 12 bytes hold both: 6-bit scales 0–3, 6-bit minima 0–3, and the rest in what is left. */
function minimumOf(bytes: Uint8Array, at: number, sub: number): number {
  return sub < 4 ? bytes[at + sub + 4] & 63 : (bytes[at + sub + 4] >> 4) | ((bytes[at + sub] >> 6) << 4);
}

/** Block: d, dmin, 12 bytes of scales and minima, 128 bytes of nibbles. v = d·s·q − dmin·m */
export function dequantizeQ4_K(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 144) {
    const d = float16[bytes[at] | (bytes[at + 1] << 8)];
    const dmin = float16[bytes[at + 2] | (bytes[at + 3] << 8)];
    for (let sub = 0; sub < 8; sub += 2, out += 64) {
      const scaleLow = d * scaleOf(bytes, at + 4, sub);
      const minimumLow = dmin * minimumOf(bytes, at + 4, sub);
      const scaleHigh = d * scaleOf(bytes, at + 4, sub + 1);
      const minimumHigh = dmin * minimumOf(bytes, at + 4, sub + 1);
      const quantsAt = at + 16 + 16 * sub;
      for (let i = 0; i < 32; i++) {
        const pair = bytes[quantsAt + i];
        values[out + i] = scaleLow * (pair & 15) - minimumLow;
        values[out + 32 + i] = scaleHigh * (pair >> 4) - minimumHigh;
      }
    }
  }
}

/** Block: d, dmin, 12 bytes of scales and minima, 32 bytes of fifth bits, 128 bytes of nibbles. v = d·s·q − dmin·m */
export function dequantizeQ5_K(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 176) {
    const d = float16[bytes[at] | (bytes[at + 1] << 8)];
    const dmin = float16[bytes[at + 2] | (bytes[at + 3] << 8)];
    for (let sub = 0; sub < 8; sub += 2, out += 64) {
      const scaleLow = d * scaleOf(bytes, at + 4, sub);
      const minimumLow = dmin * minimumOf(bytes, at + 4, sub);
      const scaleHigh = d * scaleOf(bytes, at + 4, sub + 1);
      const minimumHigh = dmin * minimumOf(bytes, at + 4, sub + 1);
      const quantsAt = at + 48 + 16 * sub;
      for (let i = 0; i < 32; i++) {
        const pair = bytes[quantsAt + i];
        const fifth = bytes[at + 16 + i] >> sub;
        values[out + i] = scaleLow * ((pair & 15) | ((fifth & 1) << 4)) - minimumLow;
        values[out + 32 + i] = scaleHigh * ((pair >> 4) | ((fifth & 2) << 3)) - minimumHigh;
      }
    }
  }
}

/** Block: 128 bytes of low 4 bits, 64 bytes of high 2 bits, 16 signed scales, d. v = d·s·(q − 32) */
export function dequantizeQ6_K(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 210) {
    const d = float16[bytes[at + 208] | (bytes[at + 209] << 8)];
    for (let sub = 0; sub < 16; sub++) {
      const scale = d * ((bytes[at + 192 + sub] << 24) >> 24);
      // Each half of 128 values has 64 bytes of low bits, twice over (low, then high nibbles), and 32 bytes of high bits.
      const half = sub >> 3;
      const quarter = (sub >> 1) & 3;
      const lowAt = at + 64 * half + 32 * (quarter & 1) + 16 * (sub & 1);
      const lowShift = quarter < 2 ? 0 : 4;
      const highAt = at + 128 + 32 * half + 16 * (sub & 1);
      const highShift = 2 * quarter;
      for (let i = 0; i < 16; i++) {
        const low = (bytes[lowAt + i] >> lowShift) & 15;
        const high = (bytes[highAt + i] >> highShift) & 3;
        values[out++] = scale * ((low | (high << 4)) - 32);
      }
    }
  }
}
