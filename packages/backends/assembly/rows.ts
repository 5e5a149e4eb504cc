// Kernels over the rows of a matrix `[N, C]`.

import { expBelow88, fma, log, maxOf, read, sumOf, within, write } from './simd';

/** Rows in a unit of the kernels that treat each row by itself. */
const ROWS = 16;
/** Columns in a unit of the kernels that add rows up. */
const COLUMNS = 64;

/** Arguments: x, weight, bias or 0, y, mean, rstd, N, C, eps. */
export function layerNorm(args: usize, unit: i32): void {
  const weight = load<usize>(args, 4);
  const bias = load<usize>(args, 8);
  const count = load<i32>(args, 24);
  const width = load<i32>(args, 28);
  const stride = (<usize>width) << 2;
  for (let row = unit * ROWS, end = min(row + ROWS, count); row < end; row++) {
    const x = load<usize>(args) + <usize>row * stride;
    const y = load<usize>(args, 12) + <usize>row * stride;
    let sum = f32x4.splat(0);
    for (let i = 0; i < width; i += 4) sum = f32x4.add(sum, read(x + ((<usize>i) << 2), width - i));
    const mean = sumOf(sum) / <f32>width;
    const means = f32x4.splat(mean);
    sum = f32x4.splat(0);
    for (let i = 0; i < width; i += 4) {
      const centered = within(f32x4.sub(read(x + ((<usize>i) << 2), width - i), means), width - i, 0);
      sum = fma(centered, centered, sum);
    }
    const rstd = <f32>1 / Mathf.sqrt(sumOf(sum) / <f32>width + load<f32>(args, 32));
    const rstds = f32x4.splat(rstd);
    for (let i = 0; i < width; i += 4) {
      const at = (<usize>i) << 2;
      const normalized = f32x4.mul(f32x4.sub(read(x + at, width - i), means), rstds);
      const shift = bias !== 0 ? read(bias + at, width - i) : f32x4.splat(0);
      write(y + at, fma(normalized, read(weight + at, width - i), shift), width - i);
    }
    store<f32>(load<usize>(args, 16) + ((<usize>row) << 2), mean);
    store<f32>(load<usize>(args, 20) + ((<usize>row) << 2), rstd);
  }
}

/**
 * The gradient of a norm; the weights' is added up by each unit for its own rows, as one row of `partials` `[units, 2 C]`: that
 * of the weight, then that of the bias. Arguments: dy, x, weight, mean or 0 for an RMS norm, rstd, dx, partials, N, C, rows in a
 * unit.
 */
export function normGradient(args: usize, unit: i32): void {
  const weight = load<usize>(args, 8);
  const mean = load<usize>(args, 12);
  const count = load<i32>(args, 28);
  const width = load<i32>(args, 32);
  const rows = load<i32>(args, 36);
  const stride = (<usize>width) << 2;
  const dWeight = load<usize>(args, 24) + 2 * <usize>unit * stride;
  const dBias = dWeight + stride;
  memory.fill(dWeight, 0, 2 * stride);
  for (let row = unit * rows, end = min(row + rows, count); row < end; row++) {
    const dy = load<usize>(args) + <usize>row * stride;
    const x = load<usize>(args, 4) + <usize>row * stride;
    const dx = load<usize>(args, 20) + <usize>row * stride;
    const means = mean !== 0 ? v128.load_splat<f32>(mean + ((<usize>row) << 2)) : f32x4.splat(0);
    const rstds = v128.load_splat<f32>(load<usize>(args, 16) + ((<usize>row) << 2));
    let along = f32x4.splat(0);
    let total = f32x4.splat(0);
    for (let i = 0; i < width; i += 4) {
      const at = (<usize>i) << 2;
      const rest = width - i;
      const d = read(dy + at, rest);
      const normalized = f32x4.mul(f32x4.sub(read(x + at, rest), means), rstds);
      const dNormalized = f32x4.mul(d, read(weight + at, rest));
      along = fma(dNormalized, normalized, along);
      total = f32x4.add(total, dNormalized);
      write(dWeight + at, fma(d, normalized, read(dWeight + at, rest)), rest);
      write(dBias + at, f32x4.add(d, read(dBias + at, rest)), rest);
    }
    const meanAlong = f32x4.splat(sumOf(along) / <f32>width);
    const meanTotal = mean !== 0 ? f32x4.splat(sumOf(total) / <f32>width) : f32x4.splat(0);
    for (let i = 0; i < width; i += 4) {
      const at = (<usize>i) << 2;
      const rest = width - i;
      const normalized = f32x4.mul(f32x4.sub(read(x + at, rest), means), rstds);
      const dNormalized = f32x4.mul(read(dy + at, rest), read(weight + at, rest));
      const centered = f32x4.sub(f32x4.sub(dNormalized, meanTotal), f32x4.mul(normalized, meanAlong));
      write(dx + at, f32x4.mul(centered, rstds), rest);
    }
  }
}

/** Arguments: x, weight, y, rstd, N, C, eps. */
export function rmsNorm(args: usize, unit: i32): void {
  const weight = load<usize>(args, 4);
  const count = load<i32>(args, 16);
  const width = load<i32>(args, 20);
  const stride = (<usize>width) << 2;
  for (let row = unit * ROWS, end = min(row + ROWS, count); row < end; row++) {
    const x = load<usize>(args) + <usize>row * stride;
    const y = load<usize>(args, 8) + <usize>row * stride;
    let sum = f32x4.splat(0);
    for (let i = 0; i < width; i += 4) {
      const v = read(x + ((<usize>i) << 2), width - i);
      sum = fma(v, v, sum);
    }
    const rstd = <f32>1 / Mathf.sqrt(sumOf(sum) / <f32>width + load<f32>(args, 24));
    const rstds = f32x4.splat(rstd);
    for (let i = 0; i < width; i += 4) {
      const at = (<usize>i) << 2;
      const normalized = f32x4.mul(read(x + at, width - i), rstds);
      write(y + at, f32x4.mul(normalized, read(weight + at, width - i)), width - i);
    }
    store<f32>(load<usize>(args, 12) + ((<usize>row) << 2), rstd);
  }
}

/** The sum of all rows, added up in float64: much may cancel. Arguments: x, out, N, C, floats from one row to the next. */
export function sumRows(args: usize, unit: i32): void {
  const count = load<i32>(args, 8);
  const width = load<i32>(args, 12);
  const stride = (<usize>load<i32>(args, 16)) << 2;
  for (let column = unit * COLUMNS, end = min(column + COLUMNS, width); column < end; column += 4) {
    const rest = width - column;
    const at = (<usize>column) << 2;
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    let x = load<usize>(args) + at;
    for (let row = 0; row < count; row++, x += stride) {
      const v = read(x, rest);
      low = f64x2.add(low, f64x2.promote_low_f32x4(v));
      high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 0, 1)));
    }
    const sums = v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
    write(load<usize>(args, 4) + at, sums, rest);
  }
}

/** Sums gradients up by row of the table. Arguments: ids, dy, dWeight, N, C, V. */
export function embeddingGradient(args: usize, unit: i32): void {
  const ids = load<usize>(args);
  const count = load<i32>(args, 12);
  const width = load<i32>(args, 16);
  const vocabSize = load<i32>(args, 20);
  const stride = (<usize>width) << 2;
  const first = unit * COLUMNS;
  const columns = min(COLUMNS, width - first);
  const dWeight = load<usize>(args, 8) + ((<usize>first) << 2);
  for (let id = 0; id < vocabSize; id++) {
    memory.fill(dWeight + <usize>id * stride, 0, (<usize>columns) << 2);
  }
  let dy = load<usize>(args, 4) + ((<usize>first) << 2);
  for (let i = 0; i < count; i++, dy += stride) {
    const row = dWeight + <usize>load<i32>(ids + ((<usize>i) << 2)) * stride;
    for (let column = 0; column < columns; column += 4) {
      const at = (<usize>column) << 2;
      write(
        row + at,
        f32x4.add(read(row + at, columns - column), read(dy + at, columns - column)),
        columns - column,
      );
    }
  }
}

/** Arguments: logits, targets, losses, logSumExp, N, V, ignored target, smoothing. */
export function crossEntropy(args: usize, unit: i32): void {
  const count = load<i32>(args, 16);
  const width = load<i32>(args, 20);
  const ignored = load<i32>(args, 24);
  const smoothing = load<f32>(args, 28);
  for (let row = unit * ROWS, end = min(row + ROWS, count); row < end; row++) {
    const x = load<usize>(args) + ((<usize>(row * width)) << 2);
    let greatest = f32x4.splat(-Infinity);
    let total = f32x4.splat(0);
    for (let i = 0; i < width; i += 4) {
      const v = read(x + ((<usize>i) << 2), width - i);
      greatest = f32x4.pmax(greatest, within(v, width - i, -Infinity));
      total = f32x4.add(total, v);
    }
    const highest = maxOf(greatest);
    const highests = f32x4.splat(highest);
    let sum = f32x4.splat(0);
    let shifted = f32x4.splat(0);
    for (let i = 0; i < width; i += 4) {
      const v = f32x4.sub(within(read(x + ((<usize>i) << 2), width - i), width - i, -Infinity), highests);
      sum = f32x4.add(sum, expBelow88(v));
      if (smoothing > 0) shifted = f32x4.add(shifted, within(v, width - i, 0));
    }
    const logSum = log(sumOf(sum));
    const target = load<i32>(load<usize>(args, 4) + ((<usize>row) << 2));
    let loss: f32 = 0;
    if (target !== ignored) {
      loss = logSum - (load<f32>(x + ((<usize>target) << 2)) - highest);
      if (smoothing > 0) {
        loss = loss * (<f32>1 - smoothing) + (logSum - sumOf(shifted) / <f32>width) * smoothing;
      }
    }
    store<f32>(load<usize>(args, 8) + ((<usize>row) << 2), loss);
    store<f32>(load<usize>(args, 12) + ((<usize>row) << 2), logSum + highest);
  }
}

/** Arguments: dy, logits, targets, logSumExp, dLogits, N, V, ignored target, smoothing. */
export function crossEntropyGradient(args: usize, unit: i32): void {
  const count = load<i32>(args, 20);
  const width = load<i32>(args, 24);
  const ignored = load<i32>(args, 28);
  const smoothing = load<f32>(args, 32);
  const spread = f32x4.splat(smoothing / <f32>width);
  for (let row = unit * ROWS, end = min(row + ROWS, count); row < end; row++) {
    const at = (<usize>row) << 2;
    const x = load<usize>(args, 4) + <usize>width * at;
    const dx = load<usize>(args, 16) + <usize>width * at;
    const target = load<i32>(load<usize>(args, 8) + at);
    if (target === ignored) {
      memory.fill(dx, 0, (<usize>width) << 2);
      continue;
    }
    const dy = load<f32>(load<usize>(args) + at);
    const factor = f32x4.splat(dy);
    const logSumExp = v128.load_splat<f32>(load<usize>(args, 12) + at);
    for (let i = 0; i < width; i += 4) {
      const p = expBelow88(f32x4.sub(read(x + ((<usize>i) << 2), width - i), logSumExp));
      write(dx + ((<usize>i) << 2), f32x4.mul(f32x4.sub(p, spread), factor), width - i);
    }
    const label = dx + ((<usize>target) << 2);
    store<f32>(label, load<f32>(label) - dy * (<f32>1 - smoothing));
  }
}

/**
 * Turns pairs of dimensions; unit = head of a row of the batch. Arguments: x, cos, sin, y, H, T, D, R / 2, floats from one row's
 * tables to the next (0 where all rows share them), whether pairs are interleaved.
 */
export function rope(args: usize, unit: i32): void {
  const heads = load<i32>(args, 16);
  const length = load<i32>(args, 20);
  const width = load<i32>(args, 24);
  const half = load<i32>(args, 28);
  const interleaved = load<i32>(args, 36) !== 0;
  const table = (<usize>((unit / heads) * load<i32>(args, 32))) << 2;
  let cos = load<usize>(args, 4) + table;
  let sin = load<usize>(args, 8) + table;
  let x = load<usize>(args) + ((<usize>(unit * length * width)) << 2);
  let y = load<usize>(args, 12) + ((<usize>(unit * length * width)) << 2);
  const stride = (<usize>width) << 2;
  const turning = (<usize>half) << 2;
  for (let t = 0; t < length; t++) {
    if (interleaved) {
      for (let i: usize = 0; i < turning; i += 4) {
        const a = load<f32>(x + 2 * i);
        const b = load<f32>(x + 2 * i, 4);
        const c = load<f32>(cos + i);
        const s = load<f32>(sin + i);
        store<f32>(y + 2 * i, a * c - b * s);
        store<f32>(y + 2 * i, a * s + b * c, 4);
      }
    } else {
      for (let i = 0; i < half; i += 4) {
        const at = (<usize>i) << 2;
        const rest = half - i;
        const a = read(x + at, rest);
        const b = read(x + at + turning, rest);
        const c = read(cos + at, rest);
        const s = read(sin + at, rest);
        write(y + at, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)), rest);
        write(y + at + turning, f32x4.add(f32x4.mul(a, s), f32x4.mul(b, c)), rest);
      }
    }
    memory.copy(y + 2 * turning, x + 2 * turning, stride - 2 * turning);
    x += stride;
    y += stride;
    cos += turning;
    sin += turning;
  }
}
