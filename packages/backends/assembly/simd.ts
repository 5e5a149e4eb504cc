// What all kernels are made of: four float32 at a time, rows whose length is a multiple of nothing, and the functions that
// WebAssembly has no instruction for.

/** a · b + c; rounded once where relaxed SIMD has a fused instruction, twice elsewhere. */
export function fma(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** Four floats, or the `rest` that a row has left and zeros. */
export function read(from: usize, rest: i32): v128 {
  if (rest >= 4) return v128.load(from);
  let x = v128.load32_zero(from);
  if (rest > 1) x = f32x4.replace_lane(x, 1, load<f32>(from, 4));
  if (rest > 2) x = f32x4.replace_lane(x, 2, load<f32>(from, 8));
  return x;
}

/** Writes four floats, or the `rest` that a row has left. */
export function write(to: usize, x: v128, rest: i32): void {
  if (rest >= 4) {
    v128.store(to, x);
    return;
  }
  store<f32>(to, f32x4.extract_lane(x, 0));
  if (rest > 1) store<f32>(to, f32x4.extract_lane(x, 1), 4);
  if (rest > 2) store<f32>(to, f32x4.extract_lane(x, 2), 8);
}

/** x where a row has it, `other` in the lanes beyond the `rest` that it has left. */
export function within(x: v128, rest: i32, other: f32): v128 {
  if (rest >= 4) return x;
  const inside = i32x4.lt_s(v128(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0), i32x4.splat(rest));
  return v128.bitselect(x, f32x4.splat(other), inside);
}

export function sumOf(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) +
    f32x4.extract_lane(x, 1) +
    (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

/** The sums of four, each added up as {@link sumOf} does. */
export function sumsOf(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  const low = f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  const high = f32x4.add(
    v128.shuffle<f32>(abHigh, cdHigh, 0, 1, 4, 5),
    v128.shuffle<f32>(abHigh, cdHigh, 2, 3, 6, 7),
  );
  return f32x4.add(low, high);
}

export function maxOf(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** Writes the transpose of a block of four rows; `stride` in bytes lies between the rows written. */
export function storeTransposed(a: v128, b: v128, c: v128, d: v128, to: usize, stride: usize): void {
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  v128.store(to + stride, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  v128.store(to + 2 * stride, v128.shuffle<f32>(abHigh, cdHigh, 0, 1, 4, 5));
  v128.store(to + 3 * stride, v128.shuffle<f32>(abHigh, cdHigh, 2, 3, 6, 7));
}

const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.1219444e-4;

/** 1.5 · 2^23: a small number added to it is rounded to an integer, which stands in the lowest bits. */
const ROUNDING: f32 = 12582912;

/**
 * e^x to 2 units in the last place, for x up to 88.3; 0 below -87.7. NaN stays NaN.
 *
 * 2^n times a polynomial on ±ln 2 / 2 (the reduction is that of Cephes' `expf`; the polynomial, 1 + r + r² p(r), has the least
 * greatest relative error there, 3e-9).
 */
export function expBelow88(x: v128): v128 {
  // `pmin` and `pmax` are one instruction each; `min` and `max`, which treat signed zeros, are many. With n = -127 the power is 0.
  const bounded = f32x4.pmax(x, f32x4.splat(-88));
  const rounded = fma(bounded, f32x4.splat(<f32>Math.LOG2E), f32x4.splat(ROUNDING));
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDING));
  let r = fma(n, f32x4.splat(-LN2_HIGH), bounded);
  r = fma(n, f32x4.splat(-LN2_LOW), r);
  let p = fma(r, f32x4.splat(1.3814597623e-3), f32x4.splat(8.3687165752e-3));
  p = fma(p, r, f32x4.splat(4.1668388993e-2));
  p = fma(p, r, f32x4.splat(1.6666521132e-1));
  p = fma(p, r, f32x4.splat(4.999999404e-1));
  p = fma(p, f32x4.mul(r, r), f32x4.add(r, f32x4.splat(1)));
  return f32x4.mul(p, i32x4.shl(i32x4.add(rounded, i32x4.splat(127)), 23));
}

/** e^x as {@link expBelow88}; that of 88.3 for what is greater. */
export function exp(x: v128): v128 {
  return expBelow88(f32x4.pmin(x, f32x4.splat(88.3)));
}

/** The natural logarithm of a normal positive number, to 2 units in the last place (Cephes, `logf`). */
export function log(x: f32): f32 {
  const bits = reinterpret<i32>(x);
  let n = (bits >> 23) - 126;
  let m = reinterpret<f32>((bits & 0x007fffff) | 0x3f000000); // in [0.5, 1)
  if (m < <f32>Math.SQRT1_2) {
    n--;
    m += m;
  }
  m -= 1;
  const z = m * m;
  let p: f32 = 7.0376836292e-2;
  p = p * m - <f32>1.151461031e-1;
  p = p * m + <f32>1.167699874e-1;
  p = p * m - <f32>1.2420140846e-1;
  p = p * m + <f32>1.4249322787e-1;
  p = p * m - <f32>1.6668057665e-1;
  p = p * m + <f32>2.0000714765e-1;
  p = p * m - <f32>2.4999993993e-1;
  p = p * m + <f32>3.3333331174e-1;
  const e = <f32>n;
  return m + (m * z * p + e * LN2_LOW - <f32>0.5 * z) + e * LN2_HIGH;
}

/** 1 / (1 + e^-x) */
export function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))));
}

/** tanh(x) = 1 - 2 / (e^2x + 1), and its series where that would cancel. */
export function tanh(x: v128): v128 {
  const e = exp(f32x4.add(x, x));
  const far = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(e, f32x4.splat(1))));
  const square = f32x4.mul(x, x);
  let p = fma(square, f32x4.splat(-0.05396825397), f32x4.splat(0.13333333333));
  p = fma(p, square, f32x4.splat(-0.33333333333));
  const near = fma(f32x4.mul(p, square), x, x);
  return v128.bitselect(near, far, f32x4.lt(square, f32x4.splat(0.01)));
}

/** The error function to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26). */
export function erf(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const t = f32x4.div(f32x4.splat(1), fma(magnitude, f32x4.splat(0.3275911), f32x4.splat(1)));
  let p = fma(t, f32x4.splat(1.061405429), f32x4.splat(-1.453152027));
  p = fma(p, t, f32x4.splat(1.421413741));
  p = fma(p, t, f32x4.splat(-0.284496736));
  p = fma(p, t, f32x4.splat(0.254829592));
  p = f32x4.mul(f32x4.mul(p, t), expBelow88(f32x4.neg(f32x4.mul(x, x))));
  const sign = v128.and(x, f32x4.splat(-0.0));
  return v128.or(f32x4.pmax(f32x4.sub(f32x4.splat(1), p), f32x4.splat(0)), sign);
}
