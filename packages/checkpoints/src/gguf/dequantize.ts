import { float16Table } from './float16.ts';

/*
 * ggml's first block formats (ggml-common.h, ggml-quants.c): 32 values v = d·q or d·q + m, where d and m are float16. Nibbles
 * lie so that the low halves of 16 bytes are values 0…15 and the high halves values 16…31; a fifth bit of each value is in a
 * 32-bit word. Products of a float16 and such small integers are exact, so each value is rounded once, as in ggml.
 */

const HALF = 16;

/** Block: d, 16 bytes of nibbles. v = d·(q − 8) */
export function dequantizeQ4_0(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 18, out += 32) {
    const d = float16[bytes[at] | (bytes[at + 1] << 8)];
    for (let i = 0; i < HALF; i++) {
      const pair = bytes[at + 2 + i];
      values[out + i] = d * ((pair & 15) - 8);
      values[out + HALF + i] = d * ((pair >> 4) - 8);
    }
  }
}

/** Block: d, m, 16 bytes of nibbles. v = d·q + m */
export function dequantizeQ4_1(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 20, out += 32) {
    const d = float16[bytes[at] | (bytes[at + 1] << 8)];
    const m = float16[bytes[at + 2] | (bytes[at + 3] << 8)];
    for (let i = 0; i < HALF; i++) {
      const pair = bytes[at + 4 + i];
      values[out + i] = d * (pair & 15) + m;
      values[out + HALF + i] = d * (pair >> 4) + m;
    }
  }
}

/** Block: d, fifth bits, 16 bytes of nibbles. v = d·(q − 16) */
export function dequantizeQ5_0(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 22, out += 32) {
    const d = float16[bytes[at] | (bytes[at + 1] << 8)];
    const low = bytes[at + 2] | (bytes[at + 3] << 8);
    const high = bytes[at + 4] | (bytes[at + 5] << 8);
    for (let i = 0; i < HALF; i++) {
      const pair = bytes[at + 6 + i];
      values[out + i] = d * (((pair & 15) | (((low >> i) & 1) << 4)) - 16);
      values[out + HALF + i] = d * (((pair >> 4) | (((high >> i) & 1) << 4)) - 16);
    }
  }
}

/** Block: d, m, fifth bits, 16 bytes of nibbles. v = d·q + m */
export function dequantizeQ5_1(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 24, out += 32) {
    const d = float16[bytes[at] | (bytes[at + 1] << 8)];
    const m = float16[bytes[at + 2] | (bytes[at + 3] << 8)];
    const low = bytes[at + 4] | (bytes[at + 5] << 8);
    const high = bytes[at + 6] | (bytes[at + 7] << 8);
    for (let i = 0; i < HALF; i++) {
      const pair = bytes[at + 8 + i];
      values[out + i] = d * ((pair & 15) | (((low >> i) & 1) << 4)) + m;
      values[out + HALF + i] = d * ((pair >> 4) | (((high >> i) & 1) << 4)) + m;
    }
  }
}

/** Block: d, 32 signed bytes. v = d·q */
export function dequantizeQ8_0(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 34, out += 32) {
    const d = float16[bytes[at] | (bytes[at + 1] << 8)];
    for (let i = 0; i < 32; i++) values[out + i] = d * ((bytes[at + 2 + i] << 24) >> 24);
  }
}
