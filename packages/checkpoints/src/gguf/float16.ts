import { dtypeOf } from '../safetensors/dtypes.ts';

let table: Float32Array | undefined;

/** The value of each of the 65,536 float16 patterns: blocks have one or two of them as scales. */
export function float16Table(): Float32Array {
  if (table === undefined) {
    const patterns = Uint16Array.from({ length: 2 ** 16 }, (_, pattern) => pattern);
    table = dtypeOf('F16').decode(new Uint8Array(patterns.buffer), 'float16 table') as Float32Array;
  }
  return table;
}
