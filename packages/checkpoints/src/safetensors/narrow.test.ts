import { describe, expect, it } from 'vitest';
import { SafetensorsError } from '../errors.ts';
import { dtypeOf } from './dtypes.ts';
import { toBfloat16, toFloat16 } from './narrow.ts';

const bytes = ({ buffer }: Uint16Array) => new Uint8Array(buffer);
const everyHalf = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);

describe('narrowing', () => {
  it('to float16 gives back every float16, and rounds what lies halfway to the even one', () => {
    const floats = dtypeOf('F16').decode(bytes(everyHalf), 'x') as Float32Array;
    for (const [i, half] of toFloat16(floats, 'x').entries()) {
      if (!Number.isNaN(floats[i]) && half !== i) expect(half).toBe(i);
    }
    for (let i = 0; i < 0x7bff; i++) {
      const middle = (floats[i] + floats[i + 1]) / 2; // exact in float32
      const even = i % 2 === 0 ? i : i + 1;
      if (toFloat16(Float32Array.of(middle), 'x')[0] !== even) expect(i).toBe('rounded to even');
    }
  });

  it('to bfloat16 gives back every bfloat16, and rounds what lies halfway to the even one', () => {
    const floats = dtypeOf('BF16').decode(bytes(everyHalf), 'x') as Float32Array;
    for (const [i, half] of toBfloat16(floats).entries()) {
      if (!Number.isNaN(floats[i]) && half !== i) expect(half).toBe(i);
    }
    expect([...toBfloat16(Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20))]).toEqual([
      0x3f80, 0x3f82, 0x3f81,
    ]);
  });

  it('keeps NaN, infinities and signs', () => {
    const special = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0);
    const again = [
      dtypeOf('F16').decode(bytes(toFloat16(special, 'x')), 'x'),
      dtypeOf('BF16').decode(bytes(toBfloat16(special)), 'x'),
    ];
    for (const values of again) expect(values).toEqual(special);
  });

  it('refuses what float16 cannot hold, by tensor and element', () => {
    expect(toFloat16(Float32Array.of(65519), 'x')).toEqual(Uint16Array.of(0x7bff));
    expect(() => toFloat16(Float32Array.of(1, 65520), 'w')).toThrow(SafetensorsError);
    expect(() => toFloat16(Float32Array.of(1, 65520), 'w')).toThrow(/"w".*element 1 is 65520/);
  });
});
