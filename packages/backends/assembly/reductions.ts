// Sums and extremes over one dimension of `[outer, N, inner]`, and the softmax over the last.

import { exp, maxOf, read, sumOf, within, write } from './simd';

/** Rows in a unit where the inner dimension is 1 or, for the softmax, always. */
const ROWS = 16;
/** Columns in a unit of one row of the outer dimension where it is not. */
const COLUMNS = 64;

const MEAN = 1;
const MAXIMUM = 2;

/**
 * Sums are added up in float64: much may cancel. Arguments: x, out, outer, N, inner, which of sum, mean, maximum and minimum, whether
 * elements are int32 (a sum only).
 */
export function reduce(args: usize, unit: i32): void {
  const outer = load<i32>(args, 8);
  const inner = load<i32>(args, 16);
  if (load<i32>(args, 24) !== 0) {
    sumIntegers(args, unit);
  } else if (inner === 1) {
    for (let row = unit * ROWS, end = min(row + ROWS, outer); row < end; row++) reduceRow(args, row);
  } else {
    const units = (inner + COLUMNS - 1) / COLUMNS;
    reduceColumns(args, unit / units, (unit % units) * COLUMNS);
  }
}

function reduceRow(args: usize, row: i32): void {
  const n = load<i32>(args, 12);
  const which = load<i32>(args, 20);
  const x = load<usize>(args) + ((<usize>(row * n)) << 2);
  const out = load<usize>(args, 4) + ((<usize>row) << 2);
  if (which >= MAXIMUM) {
    let extreme = load<f32>(x);
    for (let i = 1; i < n; i++) {
      const v = load<f32>(x + ((<usize>i) << 2));
      extreme = which === MAXIMUM ? max(extreme, v) : min(extreme, v);
    }
    store<f32>(out, extreme);
    return;
  }
  let low = f64x2.splat(0);
  let high = low;
  for (let i = 0; i < n; i += 4) {
    const v = read(x + ((<usize>i) << 2), n - i);
    low = f64x2.add(low, f64x2.promote_low_f32x4(v));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 0, 1)));
  }
  const both = f64x2.add(low, high);
  const sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  store<f32>(out, <f32>(which === MEAN ? sum / <f64>n : sum));
}

function reduceColumns(args: usize, row: i32, first: i32): void {
  const n = load<i32>(args, 12);
  const inner = load<i32>(args, 16);
  const which = load<i32>(args, 20);
  const stride = (<usize>inner) << 2;
  const out = load<usize>(args, 4) + <usize>row * stride;
  const scale = f64x2.splat(which === MEAN ? 1 / <f64>n : 1);
  for (let column = first, end = min(first + COLUMNS, inner); column < end; column += 4) {
    const rest = inner - column;
    const at = (<usize>column) << 2;
    let x = load<usize>(args) + <usize>(row * n) * stride + at;
    if (which >= MAXIMUM) {
      let extreme = read(x, rest);
      for (let i = 1; i < n; i++) {
        x += stride;
        const v = read(x, rest);
        extreme = which === MAXIMUM ? f32x4.max(extreme, v) : f32x4.min(extreme, v);
      }
      write(out + at, extreme, rest);
      continue;
    }
    let low = f64x2.splat(0);
    let high = low;
    for (let i = 0; i < n; i++, x += stride) {
      const v = read(x, rest);
      low = f64x2.add(low, f64x2.promote_low_f32x4(v));
      high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 0, 1)));
    }
    low = f64x2.mul(low, scale);
    high = f64x2.mul(high, scale);
    const sums = v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
    write(out + at, sums, rest);
  }
}

/** All in one unit: these are counts, and small. */
function sumIntegers(args: usize, _unit: i32): void {
  const n = load<i32>(args, 12);
  const inner = load<i32>(args, 16);
  for (let i = 0, end = load<i32>(args, 8) * inner; i < end; i++) {
    let x = load<usize>(args) + ((<usize>((i / inner) * n * inner + (i % inner))) << 2);
    let sum = 0;
    for (let j = 0; j < n; j++, x += (<usize>inner) << 2) sum += load<i32>(x);
    store<i32>(load<usize>(args, 4) + ((<usize>i) << 2), sum);
  }
}

/** Over the rows of `[N, C]`. Arguments: x, out, N, C. */
export function softmax(args: usize, unit: i32): void {
  const width = load<i32>(args, 12);
  for (let row = unit * ROWS, end = min(row + ROWS, load<i32>(args, 8)); row < end; row++) {
    const x = load<usize>(args) + ((<usize>(row * width)) << 2);
    const out = load<usize>(args, 4) + ((<usize>(row * width)) << 2);
    let greatest = f32x4.splat(-Infinity);
    for (let i = 0; i < width; i += 4) {
      greatest = f32x4.max(greatest, within(read(x + ((<usize>i) << 2), width - i), width - i, -Infinity));
    }
    const highest = f32x4.splat(maxOf(greatest));
    let sum = f32x4.splat(0);
    for (let i = 0; i < width; i += 4) {
      const at = (<usize>i) << 2;
      const p = exp(f32x4.sub(read(x + at, width - i), highest));
      write(out + at, p, width - i);
      sum = f32x4.add(sum, within(p, width - i, 0));
    }
    const total = f32x4.splat(sumOf(sum));
    for (let i = 0; i < width; i += 4) {
      const at = (<usize>i) << 2;
      write(out + at, f32x4.div(read(out + at, width - i), total), width - i);
    }
  }
}
