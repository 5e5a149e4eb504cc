// Matrix products are made of tiles of 4 rows by 8 columns. Both sides are first packed so that a tile reads its memory in
// order: the left side as panels of 4 rows `[panel][k][4]`, the right one as panels of 8 columns `[panel][k][8]`. The inner
// dimension is padded to an even number with zeros.

import { fma, read, storeTransposed } from './simd';

export function even(k: i32): i32 {
  return (k + 1) & ~1;
}

/**
 * A tile: `to[4][8] = start[4][8] + left · right`.
 *
 * Eight sums, two registers of the right side and one of the left: what 16 SIMD registers hold.
 *
 * @param k the length of the inner dimension, even
 * @param start where the sums begin, such as a bias (with a stride of 0) or what earlier parts gave; 0 for zeros
 */
export function tile(
  left: usize,
  right: usize,
  k: i32,
  to: usize,
  stride: usize,
  start: usize,
  startStride: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  if (start !== 0) {
    c00 = v128.load(start);
    c01 = v128.load(start, 16);
    start += startStride;
    c10 = v128.load(start);
    c11 = v128.load(start, 16);
    start += startStride;
    c20 = v128.load(start);
    c21 = v128.load(start, 16);
    start += startStride;
    c30 = v128.load(start);
    c31 = v128.load(start, 16);
  }
  for (let end = left + ((<usize>k) << 4); left < end; left += 32, right += 64) {
    let b0 = v128.load(right);
    let b1 = v128.load(right, 16);
    let a = v128.load_splat<f32>(left);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load_splat<f32>(left, 4);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load_splat<f32>(left, 8);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load_splat<f32>(left, 12);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    b0 = v128.load(right, 32);
    b1 = v128.load(right, 48);
    a = v128.load_splat<f32>(left, 16);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load_splat<f32>(left, 20);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load_splat<f32>(left, 24);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load_splat<f32>(left, 28);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
  }
  v128.store(to, c00);
  v128.store(to, c01, 16);
  to += stride;
  v128.store(to, c10);
  v128.store(to, c11, 16);
  to += stride;
  v128.store(to, c20);
  v128.store(to, c21, 16);
  to += stride;
  v128.store(to, c30);
  v128.store(to, c31, 16);
}

/** Four rows of length k, `stride` bytes apart, as a panel column by column: to + i · `width` bytes. */
function packFourRows(from: usize, stride: usize, rows: i32, k: i32, to: usize, width: usize): void {
  // Rows that are not there repeat the last one that is: nobody reads what comes of them.
  const second = from + (rows > 1 ? stride : 0);
  const third = second + (rows > 2 ? stride : 0);
  const fourth = third + (rows > 3 ? stride : 0);
  let i = 0;
  for (; i + 4 <= k; i += 4) {
    const at = (<usize>i) << 2;
    storeTransposed(
      v128.load(from + at),
      v128.load(second + at),
      v128.load(third + at),
      v128.load(fourth + at),
      to,
      width,
    );
    to += 4 * width;
  }
  for (; i < k; i++) {
    const at = (<usize>i) << 2;
    store<f32>(to, load<f32>(from + at));
    store<f32>(to, load<f32>(second + at), 4);
    store<f32>(to, load<f32>(third + at), 8);
    store<f32>(to, load<f32>(fourth + at), 12);
    to += width;
  }
  if (k & 1) v128.store(to, f32x4.splat(0));
}

/** Rows of length k, as panels of 4 rows. */
export function packLeft(from: usize, stride: usize, rows: i32, k: i32, to: usize): void {
  for (let row = 0; row < rows; row += 4) {
    packFourRows(from + <usize>row * stride, stride, rows - row, k, to, 16);
    to += (<usize>even(k)) << 4;
  }
}

/** Rows of length k, as panels of 8 *columns* of the matrix whose columns they are. */
export function packRightTransposed(from: usize, stride: usize, rows: i32, k: i32, to: usize): void {
  for (let row = 0; row < rows; row += 8) {
    const first = from + <usize>row * stride;
    packFourRows(first, stride, rows - row, k, to, 32);
    const second = rows - row > 4 ? first + 4 * stride : first;
    packFourRows(second, stride, rows - row > 4 ? rows - row - 4 : rows - row, k, to + 16, 32);
    to += (<usize>even(k)) << 5;
  }
}

/** k rows, as panels of 4 rows of the matrix whose *columns* they are: `count` columns. */
export function packLeftTransposed(from: usize, stride: usize, count: i32, k: i32, to: usize): void {
  for (let column = 0; column < count; column += 4) {
    let source = from + ((<usize>column) << 2);
    const rest = count - column;
    for (let i = 0; i < k; i++, source += stride, to += 16) v128.store(to, read(source, rest));
    if (k & 1) {
      v128.store(to, f32x4.splat(0));
      to += 16;
    }
  }
}

/** k rows of `count` columns, as panels of 8 columns. */
export function packRight(from: usize, stride: usize, count: i32, k: i32, to: usize): void {
  for (let column = 0; column < count; column += 8) {
    let source = from + ((<usize>column) << 2);
    const rest = count - column;
    if (rest >= 8) {
      for (let i = 0; i < k; i++, source += stride, to += 32) {
        v128.store(to, v128.load(source));
        v128.store(to, v128.load(source, 16), 16);
      }
    } else {
      for (let i = 0; i < k; i++, source += stride, to += 32) {
        v128.store(to, read(source, rest));
        v128.store(to, rest > 4 ? read(source + 16, rest - 4) : f32x4.splat(0), 16);
      }
    }
    if (k & 1) {
      v128.store(to, f32x4.splat(0));
      v128.store(to, f32x4.splat(0), 16);
      to += 32;
    }
  }
}
