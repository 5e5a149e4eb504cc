import { even, packLeft, packLeftTransposed, packRight, packRightTransposed, tile } from './panels';
import { fma, read, sumsOf, write } from './simd';

/** How much of the inner dimension is multiplied at a time: a panel of 8 columns is 16 KiB then and stays in the first cache. */
const INNER = 512;
/** Panels of 8 columns in a unit of packing. */
const PANELS = 4;
/** Rows in a unit of multiplying. */
const ROWS = 32;
/** Rows of the right side in a unit of {@link multiplyFewTransposed}, columns in one of {@link multiplyFew}. */
const OUTPUTS = 64;

// Arguments: left, right, out, bias, packed, m, k, n, transposeA, transposeB, one offset a word.
function left(args: usize): usize {
  return load<usize>(args);
}
function right(args: usize): usize {
  return load<usize>(args, 4);
}
function out(args: usize): usize {
  return load<usize>(args, 8);
}
/** Of the bias, or 0. */
function bias(args: usize): usize {
  return load<usize>(args, 12);
}
/** Where the packed right sides lie. */
function packed(args: usize): usize {
  return load<usize>(args, 16);
}
function rowCount(args: usize): i32 {
  return load<i32>(args, 20);
}
function innerSize(args: usize): i32 {
  return load<i32>(args, 24);
}
function columnCount(args: usize): i32 {
  return load<i32>(args, 28);
}
function isLeftTransposed(args: usize): bool {
  return load<i32>(args, 32) !== 0;
}
function isRightTransposed(args: usize): bool {
  return load<i32>(args, 36) !== 0;
}

function panelCount(args: usize): i32 {
  return (columnCount(args) + 7) >> 3;
}

/** The bytes of one packed right side. */
function packedSize(args: usize): usize {
  return (<usize>(panelCount(args) * even(innerSize(args)))) << 5;
}

/** Packs the right side of a product: unit = matrix of the batch, then {@link PANELS} panels. */
export function packForProduct(args: usize, unit: i32): void {
  const k = innerSize(args);
  const n = columnCount(args);
  const panels = panelCount(args);
  const units = (panels + PANELS - 1) / PANELS;
  const matrix = unit / units;
  const panel = (unit % units) * PANELS;
  const columns = min(PANELS * 8, n - panel * 8);
  const from = right(args) + ((<usize>(matrix * k * n)) << 2);
  const to = packed(args) + <usize>matrix * packedSize(args);
  for (let inner = 0; inner < k; inner += INNER) {
    const length = min(INNER, k - inner);
    const target = to + ((<usize>inner * panels + panel * even(length)) << 5);
    if (isRightTransposed(args)) {
      packRightTransposed(
        from + ((<usize>(panel * 8 * k + inner)) << 2),
        (<usize>k) << 2,
        columns,
        length,
        target,
      );
    } else {
      packRight(from + ((<usize>(inner * n + panel * 8)) << 2), (<usize>n) << 2, columns, length, target);
    }
  }
}

/** Multiplies with a packed right side: unit = matrix of the batch, then {@link ROWS} rows of the product. */
export function multiply(args: usize, unit: i32, scratch: usize): void {
  const m = rowCount(args);
  const k = innerSize(args);
  const n = columnCount(args);
  const units = (m + ROWS - 1) / ROWS;
  const matrix = unit / units;
  const row = (unit % units) * ROWS;
  const rows = min(ROWS, m - row);
  const panels = panelCount(args);
  const from = left(args) + ((<usize>(matrix * m * k)) << 2);
  const rights = packed(args) + <usize>matrix * packedSize(args);
  const to = out(args) + ((<usize>((matrix * m + row) * n)) << 2);
  const stride = (<usize>n) << 2;
  const edge = scratch + ROWS * INNER * 4;

  for (let inner = 0; inner < k; inner += INNER) {
    const length = min(INNER, k - inner);
    const padded = even(length);
    if (isLeftTransposed(args)) {
      packLeftTransposed(from + ((<usize>(inner * m + row)) << 2), (<usize>m) << 2, rows, length, scratch);
    } else {
      packLeft(from + ((<usize>(row * k + inner)) << 2), (<usize>k) << 2, rows, length, scratch);
    }
    for (let panel = 0; panel < panels; panel++) {
      const panelOf = rights + ((<usize>inner * panels + panel * padded) << 5);
      const columns = n - panel * 8;
      const at = (<usize>panel) << 5;
      for (let i = 0; i < rows; i += 4) {
        const block = scratch + ((<usize>(i * padded)) << 2);
        const target = to + <usize>i * stride + at;
        let start: usize = 0;
        let startStride: usize = 0;
        if (inner > 0) {
          start = target;
          startStride = stride;
        } else if (bias(args) !== 0) {
          start = bias(args) + at;
        }
        if (columns >= 8 && rows - i >= 4) {
          tile(block, panelOf, padded, target, stride, start, startStride);
        } else {
          if (start !== 0) copyTile(start, startStride, edge, 32, min(rows - i, 4), min(columns, 8));
          tile(block, panelOf, padded, edge, 32, start !== 0 ? edge : 0, 32);
          copyTile(edge, 32, target, stride, min(rows - i, 4), min(columns, 8));
        }
      }
    }
  }
}

function copyTile(from: usize, fromStride: usize, to: usize, toStride: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    write(to, read(from, columns), columns);
    if (columns > 4) write(to + 16, read(from + 16, columns - 4), columns - 4);
    from += fromStride;
    to += toStride;
  }
}

/**
 * A product of few rows with a transposed right side, as in decoding: every row of the right side is read once, in order. Unit =
 * matrix of the batch, then {@link OUTPUTS} rows of the right side.
 */
export function multiplyFewTransposed(args: usize, unit: i32): void {
  const m = rowCount(args);
  const k = innerSize(args);
  const n = columnCount(args);
  const units = (n + OUTPUTS - 1) / OUTPUTS;
  const matrix = unit / units;
  const first = (unit % units) * OUTPUTS;
  const end = min(first + OUTPUTS, n);
  const stride = (<usize>k) << 2;
  const lefts = left(args) + <usize>(matrix * m) * stride;
  const rights = right(args) + <usize>(matrix * n) * stride;
  const to = out(args) + ((<usize>(matrix * m * n)) << 2);
  for (let column = first; column < end; column += 4) {
    const rest = end - column;
    const row0 = rights + <usize>column * stride;
    const row1 = row0 + (rest > 1 ? stride : 0);
    const row2 = row1 + (rest > 2 ? stride : 0);
    const row3 = row2 + (rest > 3 ? stride : 0);
    for (let i = 0; i < m; i++) {
      let sums = fourDots(lefts + <usize>i * stride, row0, row1, row2, row3, k);
      const at = (<usize>column) << 2;
      if (bias(args) !== 0) sums = f32x4.add(sums, read(bias(args) + at, rest));
      write(to + ((<usize>(i * n)) << 2) + at, sums, rest);
    }
  }
}

/** The products of one row with four. */
function fourDots(x: usize, row0: usize, row1: usize, row2: usize, row3: usize, k: i32): v128 {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  let i = 0;
  for (; i + 8 <= k; i += 8) {
    let v = v128.load(x);
    a0 = fma(v, v128.load(row0), a0);
    a1 = fma(v, v128.load(row1), a1);
    a2 = fma(v, v128.load(row2), a2);
    a3 = fma(v, v128.load(row3), a3);
    v = v128.load(x, 16);
    b0 = fma(v, v128.load(row0, 16), b0);
    b1 = fma(v, v128.load(row1, 16), b1);
    b2 = fma(v, v128.load(row2, 16), b2);
    b3 = fma(v, v128.load(row3, 16), b3);
    x += 32;
    row0 += 32;
    row1 += 32;
    row2 += 32;
    row3 += 32;
  }
  for (; i < k; i += 4) {
    const rest = k - i;
    const v = read(x, rest);
    a0 = fma(v, read(row0, rest), a0);
    a1 = fma(v, read(row1, rest), a1);
    a2 = fma(v, read(row2, rest), a2);
    a3 = fma(v, read(row3, rest), a3);
    x += 16;
    row0 += 16;
    row1 += 16;
    row2 += 16;
    row3 += 16;
  }
  return sumsOf(f32x4.add(a0, b0), f32x4.add(a1, b1), f32x4.add(a2, b2), f32x4.add(a3, b3));
}

/** A product of few rows with a plain right side: unit = matrix of the batch, then {@link OUTPUTS} columns. */
export function multiplyFew(args: usize, unit: i32): void {
  const m = rowCount(args);
  const k = innerSize(args);
  const n = columnCount(args);
  const units = (n + OUTPUTS - 1) / OUTPUTS;
  const matrix = unit / units;
  const first = (unit % units) * OUTPUTS;
  const end = min(first + OUTPUTS, n);
  const stride = (<usize>n) << 2;
  const rights = right(args) + ((<usize>(matrix * k * n)) << 2);
  for (let i = 0; i < m; i++) {
    const row = left(args) + ((<usize>((matrix * m + i) * k)) << 2);
    const to = out(args) + ((<usize>((matrix * m + i) * n)) << 2);
    let column = first;
    for (; column + 16 <= end; column += 16) {
      const at = (<usize>column) << 2;
      let s0 = f32x4.splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      if (bias(args) !== 0) {
        s0 = v128.load(bias(args) + at);
        s1 = v128.load(bias(args) + at, 16);
        s2 = v128.load(bias(args) + at, 32);
        s3 = v128.load(bias(args) + at, 48);
      }
      let b = rights + at;
      for (let x = row, last = row + ((<usize>k) << 2); x < last; x += 4, b += stride) {
        const v = v128.load_splat<f32>(x);
        s0 = fma(v, v128.load(b), s0);
        s1 = fma(v, v128.load(b, 16), s1);
        s2 = fma(v, v128.load(b, 32), s2);
        s3 = fma(v, v128.load(b, 48), s3);
      }
      v128.store(to + at, s0);
      v128.store(to + at, s1, 16);
      v128.store(to + at, s2, 32);
      v128.store(to + at, s3, 48);
    }
    for (; column < end; column += 4) {
      const at = (<usize>column) << 2;
      const rest = end - column;
      let sum = bias(args) !== 0 ? read(bias(args) + at, rest) : f32x4.splat(0);
      let b = rights + at;
      for (let x = row, last = row + ((<usize>k) << 2); x < last; x += 4, b += stride) {
        sum = fma(v128.load_splat<f32>(x), read(b, rest), sum);
      }
      write(to + at, sum, rest);
    }
  }
}
