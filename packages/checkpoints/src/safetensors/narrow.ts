import { SafetensorsError } from '../errors.ts';

/** How floating-point weights are written. */
export type WeightDtype = 'float32' | 'float16' | 'bfloat16';

/** The names and sizes that safetensors has for them. */
export const WEIGHT_DTYPES = {
  float32: { name: 'F32', bytesPerElement: 4 },
  float16: { name: 'F16', bytesPerElement: 2 },
  bfloat16: { name: 'BF16', bytesPerElement: 2 },
} as const satisfies Record<WeightDtype, { readonly name: string; readonly bytesPerElement: number }>;

/**
 * Rounds float32 to the nearest float16, of two the even one (IEEE 754), as bits.
 *
 * @throws SafetensorsError naming the tensor where a finite value would become infinite
 */
export function toFloat16(floats: Float32Array, tensor: string): Uint16Array {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const halves = new Uint16Array(floats.length);
  for (let i = 0; i < halves.length; i++) {
    const sign = (bits[i] >>> 16) & 0x8000;
    const magnitude = bits[i] & 0x7fffffff;
    if (magnitude >= 0x7f800000) {
      halves[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00); // NaN, infinity
    } else if (magnitude >= 0x477ff000) {
      throw new SafetensorsError(
        'values',
        `element ${i} is ${floats[i]}, which float16 cannot hold; write bfloat16 or float32.`,
        tensor,
      );
    } else if (magnitude < 0x38800000) {
      // Below 2^-14 the steps are 2^-24 wide.
      halves[i] = sign | roundHalfToEven(Math.abs(floats[i]) * 2 ** 24);
    } else {
      halves[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    }
  }
  return halves;
}

/** Rounds float32 to the nearest bfloat16, of two the even one, as bits; NaN stays NaN. */
export function toBfloat16(floats: Float32Array): Uint16Array {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const halves = new Uint16Array(floats.length);
  for (let i = 0; i < halves.length; i++) {
    const notANumber = (bits[i] & 0x7fffffff) > 0x7f800000;
    halves[i] = notANumber ? (bits[i] >>> 16) | 0x40 : (bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) >>> 16;
  }
  return halves;
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
