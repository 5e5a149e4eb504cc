// Functions of one or two tensors, element by element: of float32, of int32, and of truth values, which are a byte each.

import { read, sigmoid, tanh, write } from './simd';

/** Elements in a unit of the kernels of one tensor. */
const ELEMENTS = 4096;

// What a function of two tensors makes of float32 and, up to MULTIPLY, of int32.
const ADD = 0;
const SUBTRACT = 1;
const MULTIPLY = 2;
const DIVIDE = 3;
const MINIMUM = 4;

// What a comparison makes of float32 or int32.
const EQUAL = 0;
const NOT_EQUAL = 1;
const LESS = 2;
const LESS_EQUAL = 3;
const GREATER = 4;

// What a function of two truth values is.
const AND = 0;

// What a function of two tensors reads and gives.
const FLOATS = 0;
const INTEGERS = 1;
const COMPARED_FLOATS = 2;
const COMPARED_INTEGERS = 3;

/**
 * A function of two tensors that are broadcast to the shape of the result, `[rows of three dimensions, width]`. Arguments: a, b,
 * out, rows, the sizes of the second and third dimension, width, elements in all (a last row may be shorter), elements from one to
 * the next in each of the four dimensions of a, then of b (0 or 1 in the last), rows in a unit, what is read and given, which
 * function.
 */
export function combine(args: usize, unit: i32): void {
  const middle = load<i32>(args, 16);
  const inner = load<i32>(args, 20);
  const width = load<i32>(args, 24);
  const count = load<i32>(args, 28);
  const rows = load<i32>(args, 64);
  const type = load<i32>(args, 68);
  const which = load<i32>(args, 72);
  const inSize: usize = type <= COMPARED_INTEGERS ? 2 : 0;
  const outSize: usize = type <= INTEGERS ? 2 : 0;
  for (let row = unit * rows, end = min(row + rows, load<i32>(args, 12)); row < end; row++) {
    const i = row / (middle * inner);
    const j = (row / inner) % middle;
    const k = row % inner;
    const a = i * load<i32>(args, 32) + j * load<i32>(args, 36) + k * load<i32>(args, 40);
    const b = i * load<i32>(args, 48) + j * load<i32>(args, 52) + k * load<i32>(args, 56);
    const left = load<usize>(args) + ((<usize>a) << inSize);
    const right = load<usize>(args, 4) + ((<usize>b) << inSize);
    const out = load<usize>(args, 8) + ((<usize>(row * width)) << outSize);
    const aStep = load<i32>(args, 44);
    const bStep = load<i32>(args, 60);
    const length = min(width, count - row * width);
    if (type === FLOATS) combineRow(which, left, aStep, right, bStep, out, length);
    else combineScalars(type, which, left, aStep, right, bStep, out, length);
  }
}

/** A row; a step of 0 repeats one float. */
function combineRow(which: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize, count: i32): void {
  if (aStep === 0) {
    const one = v128.load_splat<f32>(a);
    for (; count > 0; count -= 4, b += 16, out += 16) write(out, combined(which, one, read(b, count)), count);
  } else if (bStep === 0) {
    const one = v128.load_splat<f32>(b);
    for (; count > 0; count -= 4, a += 16, out += 16) write(out, combined(which, read(a, count), one), count);
  } else {
    for (; count > 0; count -= 4, a += 16, b += 16, out += 16) {
      write(out, combined(which, read(a, count), read(b, count)), count);
    }
  }
}

function combined(which: i32, a: v128, b: v128): v128 {
  switch (which) {
    case ADD:
      return f32x4.add(a, b);
    case SUBTRACT:
      return f32x4.sub(a, b);
    case MULTIPLY:
      return f32x4.mul(a, b);
    case DIVIDE:
      return f32x4.div(a, b);
    case MINIMUM:
      return f32x4.min(a, b);
    default:
      return f32x4.max(a, b);
  }
}

function combineScalars(
  type: i32,
  which: i32,
  a: usize,
  aStep: i32,
  b: usize,
  bStep: i32,
  out: usize,
  count: i32,
): void {
  const x = <usize>aStep;
  const y = <usize>bStep;
  for (let i: usize = 0, end = <usize>count; i < end; i++) {
    switch (type) {
      case INTEGERS:
        store<i32>(
          out + (i << 2),
          integersCombined(which, load<i32>(a + ((i * x) << 2)), load<i32>(b + ((i * y) << 2))),
        );
        break;
      case COMPARED_FLOATS:
        store<u8>(
          out + i,
          u8(compared<f32>(which, load<f32>(a + ((i * x) << 2)), load<f32>(b + ((i * y) << 2)))),
        );
        break;
      case COMPARED_INTEGERS:
        store<u8>(
          out + i,
          u8(compared<i32>(which, load<i32>(a + ((i * x) << 2)), load<i32>(b + ((i * y) << 2)))),
        );
        break;
      default: {
        const left = load<u8>(a + i * x);
        const right = load<u8>(b + i * y);
        store<u8>(out + i, which === AND ? left & right : left | right);
      }
    }
  }
}

function integersCombined(which: i32, a: i32, b: i32): i32 {
  if (which === ADD) return a + b;
  return which === SUBTRACT ? a - b : a * b;
}

function compared<T>(which: i32, a: T, b: T): bool {
  switch (which) {
    case EQUAL:
      return a === b;
    case NOT_EQUAL:
      return a !== b;
    case LESS:
      return a < b;
    case LESS_EQUAL:
      return a <= b;
    case GREATER:
      return a > b;
    default:
      return a >= b;
  }
}

// Functions of one tensor of float32.
const NEGATE = 0;
const ABSOLUTE = 1;
const SQUARE = 2;
const ROOT = 3;
const RECIPROCAL_ROOT = 4;
const RECIPROCAL = 5;
const RELU = 6;
const SIGMOID = 7;

/** Arguments: x, out, count, which function. */
export function transform(args: usize, unit: i32): void {
  const at = (<usize>(unit * ELEMENTS)) << 2;
  let x = load<usize>(args) + at;
  let out = load<usize>(args, 4) + at;
  const which = load<i32>(args, 12);
  const one = f32x4.splat(1);
  for (
    let rest = min(ELEMENTS, load<i32>(args, 8) - unit * ELEMENTS);
    rest > 0;
    rest -= 4, x += 16, out += 16
  ) {
    const v = read(x, rest);
    let y: v128;
    switch (which) {
      case NEGATE:
        y = f32x4.neg(v);
        break;
      case ABSOLUTE:
        y = f32x4.abs(v);
        break;
      case SQUARE:
        y = f32x4.mul(v, v);
        break;
      case ROOT:
        y = f32x4.sqrt(v);
        break;
      case RECIPROCAL_ROOT:
        y = f32x4.div(one, f32x4.sqrt(v));
        break;
      case RECIPROCAL:
        y = f32x4.div(one, v);
        break;
      case RELU:
        y = f32x4.max(v, f32x4.splat(0));
        break;
      case SIGMOID:
        y = sigmoid(v);
        break;
      default:
        y = tanh(v);
    }
    write(out, y, rest);
  }
}

// Types of elements.
const FLOAT = 0;
const INTEGER = 1;

/** Arguments: x, out, count, the type of x, the type that it becomes. */
export function convert(args: usize, unit: i32): void {
  const from = load<i32>(args, 12);
  const to = load<i32>(args, 16);
  for (let i = unit * ELEMENTS, end = min(i + ELEMENTS, load<i32>(args, 8)); i < end; i++) {
    const place = load<usize>(args);
    let x: f64; // holds every number of all types
    if (from === FLOAT) x = <f64>load<f32>(place + ((<usize>i) << 2));
    else if (from === INTEGER) x = <f64>load<i32>(place + ((<usize>i) << 2));
    else x = <f64>load<u8>(place + <usize>i);
    const out = load<usize>(args, 4);
    if (to === FLOAT) store<f32>(out + ((<usize>i) << 2), <f32>x);
    else if (to === INTEGER) store<i32>(out + ((<usize>i) << 2), <i32>x);
    else store<u8>(out + <usize>i, u8(x !== 0));
  }
}
