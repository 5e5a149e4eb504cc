import { float16Table } from './float16.ts';

/*
 * ggml's formats whose 4-bit values are indices into a table (ggml-common.h, ggml-quants.c). Nibbles lie as in Q4_0: low halves
 * of 16 bytes, then their high halves.
 */

/** The non-linear steps of IQ4_NL and IQ4_XS (`kvalues_iq4nl`). */
const IQ4_STEPS = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

/** Twice the values of E2M1, the 4-bit float of the Open Compute Project's MX formats (`kvalues_mxfp4`). */
const E2M1_DOUBLED = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

function writeSteps(
  bytes: Uint8Array,
  at: number,
  scale: number,
  steps: Int8Array,
  values: Float32Array,
  out: number,
): void {
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + i];
    values[out + i] = scale * steps[pair & 15];
    values[out + 16 + i] = scale * steps[pair >> 4];
  }
}

/** Block of 32: d, 16 bytes of indices. v = d·step */
export function dequantizeIQ4_NL(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 18, out += 32) {
    const d = float16[bytes[at] | (bytes[at + 1] << 8)];
    writeSteps(bytes, at + 2, d, IQ4_STEPS, values, out);
  }
}

/** Block of 256: d, high 2 bits of eight scales, their low 4 bits, 128 bytes of indices. v = d·(s − 32)·step */
export function dequantizeIQ4_XS(bytes: Uint8Array, values: Float32Array): void {
  const float16 = float16Table();
  for (let at = 0, out = 0; out < values.length; at += 136) {
    const d = float16[bytes[at] | (bytes[at + 1] << 8)];
    const scalesHigh = bytes[at + 2] | (bytes[at + 3] << 8);
    for (let sub = 0; sub < 8; sub++, out += 32) {
      const low = (bytes[at + 4 + (sub >> 1)] >> (4 * (sub & 1))) & 15;
      const high = (scalesHigh >> (2 * sub)) & 3;
      writeSteps(bytes, at + 8 + 16 * sub, d * ((low | (high << 4)) - 32), IQ4_STEPS, values, out);
    }
  }
}

/** Block of 32: the exponent e of a power of two, 16 bytes of indices. v = 2^(e − 127)·E2M1 */
export function dequantizeMXFP4(bytes: Uint8Array, values: Float32Array): void {
  for (let at = 0, out = 0; out < values.length; at += 17, out += 32) {
    writeSteps(bytes, at + 1, 2 ** (bytes[at] - 128), E2M1_DOUBLED, values, out);
  }
}
