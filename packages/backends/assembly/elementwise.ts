import { erf, exp, expBelow88, fma, read, sigmoid, sumOf, write } from './simd';

/** Elements in a unit of every kernel here. */
const ELEMENTS = 4096;

// Activations. Arguments: x, out, count, which one; for a gradient: x, dy, out, count, which one.
const GELU_ERF = 0;
const GELU_TANH = 1;
const SILU = 2;

const SQRT_8_OVER_PI: f32 = 1.5957691216; // twice √(2/π)
const CUBIC: f32 = 0.044715;

/** Twice the argument of the tanh: (1 + tanh(u)) / 2 is σ(2u). */
function doubledArgument(x: v128): v128 {
  const factor = fma(f32x4.mul(x, x), f32x4.splat(CUBIC), f32x4.splat(1));
  return f32x4.mul(f32x4.mul(x, f32x4.splat(SQRT_8_OVER_PI)), factor);
}

function normalCumulative(x: v128): v128 {
  const half = f32x4.splat(0.5);
  return fma(erf(f32x4.mul(x, f32x4.splat(<f32>Math.SQRT1_2))), half, half);
}

function geluErf(x: v128): v128 {
  return f32x4.mul(x, normalCumulative(x));
}

function geluTanh(x: v128): v128 {
  return f32x4.mul(x, sigmoid(doubledArgument(x)));
}

function silu(x: v128): v128 {
  return f32x4.mul(x, sigmoid(x));
}

function reluSquared(x: v128): v128 {
  const positive = f32x4.pmax(x, f32x4.splat(0));
  return f32x4.mul(positive, positive);
}

function geluErfSlope(x: v128): v128 {
  const density = expBelow88(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)));
  return fma(f32x4.mul(x, f32x4.splat(0.3989422804)), density, normalCumulative(x));
}

function geluTanhSlope(x: v128): v128 {
  const inner = f32x4.mul(
    fma(f32x4.mul(x, x), f32x4.splat(3 * CUBIC), f32x4.splat(1)),
    f32x4.splat(SQRT_8_OVER_PI),
  );
  return gatedSlope(x, doubledArgument(x), inner);
}

function siluSlope(x: v128): v128 {
  return gatedSlope(x, x, f32x4.splat(1));
}

function reluSquaredSlope(x: v128): v128 {
  return f32x4.mul(f32x4.pmax(x, f32x4.splat(0)), f32x4.splat(2));
}

/** Of x σ(u(x)), given u and u': σ + x σ (1 - σ) u', where 1 - σ is e^-u σ, which does not cancel. */
function gatedSlope(x: v128, u: v128, inner: v128): v128 {
  const e = exp(f32x4.neg(u));
  const s = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), e));
  const bend = f32x4.mul(f32x4.mul(x, f32x4.mul(e, s)), inner);
  return f32x4.mul(s, f32x4.add(bend, f32x4.splat(1)));
}

export function activation(args: usize, unit: i32): void {
  const at = (<usize>(unit * ELEMENTS)) << 2;
  let x = load<usize>(args) + at;
  let out = load<usize>(args, 4) + at;
  let rest = min(ELEMENTS, load<i32>(args, 8) - unit * ELEMENTS);
  const which = load<i32>(args, 12);
  for (; rest >= 4; rest -= 4, x += 16, out += 16)
    v128.store(out, inline.always(activated(which, v128.load(x))));
  if (rest > 0) write(out, activated(which, read(x, rest)), rest);
}

function activated(which: i32, x: v128): v128 {
  switch (which) {
    case GELU_ERF:
      return geluErf(x);
    case GELU_TANH:
      return geluTanh(x);
    case SILU:
      return silu(x);
    default:
      return reluSquared(x);
  }
}

export function activationGradient(args: usize, unit: i32): void {
  const at = (<usize>(unit * ELEMENTS)) << 2;
  let x = load<usize>(args) + at;
  let dy = load<usize>(args, 4) + at;
  let out = load<usize>(args, 8) + at;
  let rest = min(ELEMENTS, load<i32>(args, 12) - unit * ELEMENTS);
  const which = load<i32>(args, 16);
  for (; rest >= 4; rest -= 4, x += 16, dy += 16, out += 16) {
    v128.store(out, f32x4.mul(v128.load(dy), inline.always(slope(which, v128.load(x)))));
  }
  if (rest > 0) write(out, f32x4.mul(read(dy, rest), slope(which, read(x, rest))), rest);
}

function slope(which: i32, x: v128): v128 {
  switch (which) {
    case GELU_ERF:
      return geluErfSlope(x);
    case GELU_TANH:
      return geluTanhSlope(x);
    case SILU:
      return siluSlope(x);
    default:
      return reluSquaredSlope(x);
  }
}

/** silu(gate) · up. Arguments: gate, up, out, count. */
export function swiglu(args: usize, unit: i32): void {
  const at = (<usize>(unit * ELEMENTS)) << 2;
  let gate = load<usize>(args) + at;
  let up = load<usize>(args, 4) + at;
  let out = load<usize>(args, 8) + at;
  let rest = min(ELEMENTS, load<i32>(args, 12) - unit * ELEMENTS);
  for (; rest > 0; rest -= 4, gate += 16, up += 16, out += 16) {
    write(out, f32x4.mul(silu(read(gate, rest)), read(up, rest)), rest);
  }
}

/** Arguments: gate, up, dy, dGate, dUp, count. */
export function swigluGradient(args: usize, unit: i32): void {
  const at = (<usize>(unit * ELEMENTS)) << 2;
  let gate = load<usize>(args) + at;
  let up = load<usize>(args, 4) + at;
  let dy = load<usize>(args, 8) + at;
  let dGate = load<usize>(args, 12) + at;
  let dUp = load<usize>(args, 16) + at;
  let rest = min(ELEMENTS, load<i32>(args, 20) - unit * ELEMENTS);
  for (; rest > 0; rest -= 4, gate += 16, up += 16, dy += 16, dGate += 16, dUp += 16) {
    const g = read(gate, rest);
    const d = read(dy, rest);
    const slopeOf = gatedSlope(g, g, f32x4.splat(1));
    write(dGate, f32x4.mul(f32x4.mul(d, read(up, rest)), slopeOf), rest);
    write(dUp, f32x4.mul(d, silu(g)), rest);
  }
}

/** x · factor. Arguments: x, out, count, the offset of the factor. */
export function scale(args: usize, unit: i32): void {
  const at = (<usize>(unit * ELEMENTS)) << 2;
  let x = load<usize>(args) + at;
  let out = load<usize>(args, 4) + at;
  const factor = v128.load_splat<f32>(load<usize>(args, 12));
  for (
    let rest = min(ELEMENTS, load<i32>(args, 8) - unit * ELEMENTS);
    rest > 0;
    rest -= 4, x += 16, out += 16
  ) {
    write(out, f32x4.mul(read(x, rest), factor), rest);
  }
}

/** The sum of squares of each unit's elements, one float a unit. Arguments: x, sums, count. */
export function squaredSums(args: usize, unit: i32): void {
  let x = load<usize>(args) + ((<usize>(unit * ELEMENTS)) << 2);
  let sum = f32x4.splat(0);
  for (let rest = min(ELEMENTS, load<i32>(args, 8) - unit * ELEMENTS); rest > 0; rest -= 4, x += 16) {
    const v = read(x, rest);
    sum = fma(v, v, sum);
  }
  store<f32>(load<usize>(args, 4) + ((<usize>unit) << 2), sumOf(sum));
}

/** The root of a sum, added up in float64. Arguments: summands, out, count. */
export function rootOfSum(args: usize, _unit: i32): void {
  const from = load<usize>(args);
  let sum: f64 = 0;
  for (let i = 0, count = load<i32>(args, 8); i < count; i++) sum += <f64>load<f32>(from + ((<usize>i) << 2));
  store<f32>(load<usize>(args, 4), <f32>Math.sqrt(sum));
}

/**
 * A step of AdamW. Arguments: parameter, gradient, first moment, second moment, those three as they are afterwards (which may lie
 * where they did), count, the offsets of decay (0 for none), rate and epsilon, then 1 - β₁, β₂ and 1 - β₂ as floats.
 */
export function adamW(args: usize, unit: i32): void {
  const at = (<usize>(unit * ELEMENTS)) << 2;
  let parameter = load<usize>(args) + at;
  let gradient = load<usize>(args, 4) + at;
  let first = load<usize>(args, 8) + at;
  let second = load<usize>(args, 12) + at;
  let nextParameter = load<usize>(args, 16) + at;
  let nextFirst = load<usize>(args, 20) + at;
  let nextSecond = load<usize>(args, 24) + at;
  const decay = load<usize>(args, 32) !== 0 ? v128.load_splat<f32>(load<usize>(args, 32)) : f32x4.splat(1);
  const rate = v128.load_splat<f32>(load<usize>(args, 36));
  const epsilon = v128.load_splat<f32>(load<usize>(args, 40));
  const keptSecond = v128.load_splat<f32>(args, 48);
  const newFirst = v128.load_splat<f32>(args, 44);
  const newSecond = v128.load_splat<f32>(args, 52);
  for (let rest = min(ELEMENTS, load<i32>(args, 28) - unit * ELEMENTS); rest > 0; rest -= 4) {
    const g = read(gradient, rest);
    const oldM = read(first, rest);
    const m = fma(f32x4.sub(g, oldM), newFirst, oldM);
    const v = fma(f32x4.mul(g, g), newSecond, f32x4.mul(read(second, rest), keptSecond));
    const change = f32x4.mul(f32x4.div(m, f32x4.add(f32x4.sqrt(v), epsilon)), rate);
    write(nextParameter, f32x4.sub(f32x4.mul(read(parameter, rest), decay), change), rest);
    write(nextFirst, m, rest);
    write(nextSecond, v, rest);
    parameter += 16;
    gradient += 16;
    first += 16;
    second += 16;
    nextParameter += 16;
    nextFirst += 16;
    nextSecond += 16;
  }
}
