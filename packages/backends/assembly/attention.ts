// Attention without the matrix of all scores in memory (Dao et al. 2022, "FlashAttention"; Dao 2023, "FlashAttention-2"): a block
// of 64 queries by 64 keys at a time. Scores lie transposed, 8 queries side by side, so that the softmax over the keys needs no
// sum across a register and its result is the right side of the next product as it is.

import { factorsAt } from './dropout';
import { even, packLeft, packLeftTransposed, packRight, packRightTransposed, tile } from './panels';
import {
  expBelow88,
  fma,
  log,
  maxOf,
  read,
  storeTransposed,
  sumOf,
  sumsOf,
  tanh,
  within,
  write,
} from './simd';

/** Queries, and keys, in a block. */
const BLOCK = 64;
/** The bytes of a panel of scores, `[BLOCK keys, 8 queries]`. */
const PANEL: usize = BLOCK * 8 * 4;

// Arguments that forward and backward pass share, one a word:
// q, k, v, out, logSumExp, mask or 0, H, H', T, S, D, whether causal, window or 0, scale, soft cap or 0, floats of the mask from
// one row of the batch to the next, from one head to the next; dy, dq, dk, dv, which the backward pass has; the key of dropout or
// 0, its threshold, the factor of what is kept.
function queryHeads(args: usize): i32 {
  return load<i32>(args, 24);
}
function keyHeads(args: usize): i32 {
  return load<i32>(args, 28);
}
function queryCount(args: usize): i32 {
  return load<i32>(args, 32);
}
function keyCount(args: usize): i32 {
  return load<i32>(args, 36);
}
function headSize(args: usize): i32 {
  return load<i32>(args, 40);
}
function isCausal(args: usize): bool {
  return load<i32>(args, 44) !== 0;
}
function windowSize(args: usize): i32 {
  return load<i32>(args, 48);
}
function scaleOf(args: usize): f32 {
  return load<f32>(args, 52);
}
function softcap(args: usize): f32 {
  return load<f32>(args, 56);
}
/** Of the mask of a head, or 0. */
function maskOf(args: usize, row: i32, head: i32): usize {
  const mask = load<usize>(args, 20);
  return mask === 0 ? 0 : mask + ((<usize>(row * load<i32>(args, 60) + head * load<i32>(args, 64))) << 2);
}
/** Whether weights are dropped. */
function drops(args: usize): bool {
  return load<usize>(args, 84) !== 0;
}
/** What dropout multiplies the weights of one key by, for four queries of the rows of all heads. */
function kept(args: usize, rows: v128, key: i32): v128 {
  const indices = i32x4.add(i32x4.mul(rows, i32x4.splat(keyCount(args))), i32x4.splat(key));
  return factorsAt(load<usize>(args, 84), load<i32>(args, 88), load<f32>(args, 92), indices);
}
/** Where the keys and values of a query head begin, in bytes; `head` counts those of all rows. */
function keysOf(args: usize, head: i32): usize {
  const heads = queryHeads(args);
  const shared = (head / heads) * keyHeads(args) + ((head % heads) * keyHeads(args)) / heads;
  return (<usize>(shared * keyCount(args) * headSize(args))) << 2;
}

/** Whether no query of `count` from `query` on (positions) sees a key of `keys` from `key` on. */
function isHidden(args: usize, query: i32, count: i32, key: i32, keys: i32): bool {
  if (!isCausal(args)) return false;
  return key > query + count - 1 || (windowSize(args) > 0 && key + keys - 1 <= query - windowSize(args));
}

/** How many of `keys` keys, from `key` on, the last of `count` queries from `query` on sees. */
function seenOf(args: usize, query: i32, count: i32, key: i32, keys: i32): i32 {
  return isCausal(args) ? min(keys, query + count - key) : keys;
}

/** Whether every one of them sees every key. */
function isOpen(args: usize, query: i32, count: i32, key: i32, keys: i32): bool {
  if (!isCausal(args)) return true;
  return key + keys - 1 <= query && (windowSize(args) === 0 || key > query + count - 1 - windowSize(args));
}

/** Four scores of one key as they enter the softmax, for queries at these positions. */
function scored(args: usize, score: v128, positions: v128, key: i32, open: bool): v128 {
  let s = f32x4.mul(score, f32x4.splat(scaleOf(args)));
  const cap = softcap(args);
  if (cap > 0) s = f32x4.mul(tanh(f32x4.div(s, f32x4.splat(cap))), f32x4.splat(cap));
  if (open) return s;
  let seen = i32x4.ge_s(positions, i32x4.splat(key));
  const reach = windowSize(args);
  if (reach > 0) {
    seen = v128.and(seen, i32x4.lt_s(i32x4.sub(positions, i32x4.splat(key)), i32x4.splat(reach)));
  }
  return v128.bitselect(s, f32x4.splat(-Infinity), seen);
}

/** What the mask adds to the scores of one key for four queries from row t on; rows from `last` on repeat it. */
function added(mask: usize, t: i32, last: i32, keys: i32, key: i32): v128 {
  const from = mask + ((<usize>key) << 2);
  const stride = (<usize>keys) << 2;
  return f32x4(
    load<f32>(from + <usize>min(t, last) * stride),
    load<f32>(from + <usize>min(t + 1, last) * stride),
    load<f32>(from + <usize>min(t + 2, last) * stride),
    load<f32>(from + <usize>min(t + 3, last) * stride),
  );
}

/** Unit = head of a row of the batch, then {@link BLOCK} queries. */
export function attention(args: usize, unit: i32, scratch: usize): void {
  const t = queryCount(args);
  const s = keyCount(args);
  const d = headSize(args);
  const blocks = (t + BLOCK - 1) / BLOCK;
  const head = unit / blocks;
  const first = (unit % blocks) * BLOCK;
  const queries = min(BLOCK, t - first);
  const panels = (queries + 7) >> 3;
  const start = s - t + first; // position of the first query
  const row = (<usize>d) << 2;
  const depth = even(d);
  const tiles = (d + 3) >> 2;

  const q = scratch;
  const k = q + ((<usize>(BLOCK * depth)) << 2);
  const v = k + ((<usize>(BLOCK * depth)) << 2);
  const scores = v + ((<usize>(BLOCK * tiles)) << 4);
  const sums = scores + 8 * PANEL; // of weighted values, [panel][D][8]
  const greatest = sums + ((<usize>(BLOCK * tiles)) << 4); // [panel][8]
  const totals = greatest + BLOCK * 4;
  packRightTransposed(load<usize>(args) + <usize>(head * t + first) * row, row, queries, d, q);
  memory.fill(sums, 0, (<usize>(BLOCK * tiles)) << 4);
  memory.fill(totals, 0, BLOCK * 4);
  for (let i: usize = 0; i < <usize>(BLOCK * 4); i += 16) v128.store(greatest + i, f32x4.splat(-1e30));

  const keys = load<usize>(args, 4) + keysOf(args, head);
  const values = load<usize>(args, 8) + keysOf(args, head);
  const mask = maskOf(args, head / queryHeads(args), head % queryHeads(args));
  for (let key = 0; key < s; key += BLOCK) {
    const count = min(BLOCK, s - key);
    if (isHidden(args, start, queries, key, count)) continue;
    packLeft(keys + <usize>key * row, row, count, d, k);
    packLeftTransposed(values + <usize>key * row, row, d, count, v);
    for (let panel = 0; panel < panels; panel++) {
      const query = start + panel * 8;
      if (isHidden(args, query, 8, key, count)) continue;
      const at = (<usize>panel) << 5;
      const block = scores + <usize>panel * PANEL;
      const seen = seenOf(args, query, 8, key, count);
      for (let i = 0; i < seen; i += 4) {
        tile(
          k + ((<usize>(i * depth)) << 2),
          q + <usize>depth * at,
          depth,
          block + ((<usize>i) << 5),
          32,
          0,
          0,
        );
      }
      softmaxPanel(
        args,
        block,
        query,
        first + panel * 8,
        key,
        seen,
        mask,
        head * t + first + panel * 8,
        greatest + at,
        totals + at,
        sums + <usize>(tiles * 4) * at,
        tiles * 4,
      );
      for (let i = 0; i < tiles; i++) {
        const sum = sums + <usize>(tiles * 4) * at + ((<usize>i) << 7);
        tile(v + ((<usize>(i * even(count))) << 4), block, even(seen), sum, 32, sum, 32);
      }
    }
  }

  const out = load<usize>(args, 12) + <usize>(head * t + first) * row;
  const logSumExp = load<usize>(args, 16) + ((<usize>(head * t + first)) << 2);
  for (let i = 0; i < queries; i++) {
    const total = load<f32>(totals + ((<usize>i) << 2));
    const from = sums + ((<usize>(tiles * 4 * (i & ~7) + (i & 7))) << 2);
    const to = out + <usize>i * row;
    for (let c = 0; c < d; c++) {
      store<f32>(to + ((<usize>c) << 2), load<f32>(from + ((<usize>c) << 5)) / total);
    }
    store<f32>(logSumExp + ((<usize>i) << 2), load<f32>(greatest + ((<usize>i) << 2)) + log(total));
  }
}

/**
 * Turns scores into weights against the greatest so far, and what was summed up before into the same measure.
 *
 * @param row the first query among those of all heads
 */
function softmaxPanel(
  args: usize,
  block: usize,
  query: i32,
  t: i32,
  key: i32,
  count: i32,
  mask: usize,
  row: i32,
  greatest: usize,
  totals: usize,
  sums: usize,
  width: i32,
): void {
  const open = isOpen(args, query, 8, key, count);
  const low = i32x4.add(i32x4.splat(query), i32x4(0, 1, 2, 3));
  const high = i32x4.add(low, i32x4.splat(4));
  const last = queryCount(args) - 1;
  const s = keyCount(args);
  const before0 = v128.load(greatest);
  const before1 = v128.load(greatest, 16);
  let most0 = before0;
  let most1 = before1;
  let at = block;
  for (let i = 0; i < count; i++, at += 32) {
    let s0 = scored(args, v128.load(at), low, key + i, open);
    let s1 = scored(args, v128.load(at, 16), high, key + i, open);
    if (mask !== 0) {
      s0 = f32x4.add(s0, added(mask, t, last, s, key + i));
      s1 = f32x4.add(s1, added(mask, t + 4, last, s, key + i));
    }
    v128.store(at, s0);
    v128.store(at, s1, 16);
    most0 = f32x4.pmax(most0, s0);
    most1 = f32x4.pmax(most1, s1);
  }
  const shrink0 = expBelow88(f32x4.sub(before0, most0));
  const shrink1 = expBelow88(f32x4.sub(before1, most1));
  v128.store(greatest, most0);
  v128.store(greatest, most1, 16);
  let total0 = f32x4.mul(v128.load(totals), shrink0);
  let total1 = f32x4.mul(v128.load(totals, 16), shrink1);
  at = block;
  for (let i = 0; i < count; i++, at += 32) {
    const p0 = expBelow88(f32x4.sub(v128.load(at), most0));
    const p1 = expBelow88(f32x4.sub(v128.load(at, 16), most1));
    v128.store(at, p0);
    v128.store(at, p1, 16);
    total0 = f32x4.add(total0, p0);
    total1 = f32x4.add(total1, p1);
  }
  if (drops(args)) {
    const rows = i32x4.add(i32x4.splat(row), i32x4(0, 1, 2, 3));
    for (let half = 0; half < 2; half++) {
      const lanes = i32x4.add(rows, i32x4.splat(4 * half));
      let cell = block + ((<usize>half) << 4);
      for (let i = 0; i < count; i++, cell += 32) {
        v128.store(cell, f32x4.mul(v128.load(cell), kept(args, lanes, key + i)));
      }
    }
  }
  if (count & 1) {
    v128.store(at, f32x4.splat(0));
    v128.store(at, f32x4.splat(0), 16);
  }
  v128.store(totals, total0);
  v128.store(totals, total1, 16);
  for (let i = 0; i < width; i++, sums += 32) {
    v128.store(sums, f32x4.mul(v128.load(sums), shrink0));
    v128.store(sums, f32x4.mul(v128.load(sums, 16), shrink1), 16);
  }
}

/** What a mask adds where it hides a key, or less: the weight of such a key is 0, whatever its score. */
const HIDDEN: f32 = -1e8;

/**
 * Attention of few queries, as in decoding: each key is read once for each query, and those that the mask hides are not. Unit = query
 * of a head of a row of the batch. The scratch holds S scores.
 */
export function attentionOfFew(args: usize, unit: i32, scratch: usize): void {
  const t = queryCount(args);
  const s = keyCount(args);
  const d = headSize(args);
  const head = unit / t;
  const row = (<usize>d) << 2;
  const position = s - t + (unit % t);
  const q = load<usize>(args) + <usize>unit * row;
  const keys = load<usize>(args, 4) + keysOf(args, head);
  const values = load<usize>(args, 8) + keysOf(args, head);
  let mask = maskOf(args, head / queryHeads(args), head % queryHeads(args));
  if (mask !== 0) mask += (<usize>((unit % t) * s)) << 2;
  const reach = windowSize(args);
  const end = isCausal(args) ? position + 1 : s;
  const begin = isCausal(args) && reach > 0 ? max(0, position + 1 - reach) : 0;

  let greatest = scoreFew(args, q, keys, mask, begin, end, scratch, mask !== 0);
  // Of a query that sees nothing the weights are what the scores make of them.
  if (mask !== 0 && !(greatest > HIDDEN))
    greatest = scoreFew(args, q, keys, mask, begin, end, scratch, false);
  let sums = f32x4.splat(0);
  for (let i: usize = 0, bytes = (<usize>(end - begin)) << 2; i < bytes; i += 16) {
    const p = expBelow88(f32x4.sub(v128.load(scratch + i), f32x4.splat(greatest)));
    v128.store(scratch + i, p);
    sums = f32x4.add(sums, p);
  }
  const total = sumOf(sums);
  const out = load<usize>(args, 12) + <usize>unit * row;
  const first = values + <usize>begin * row;
  const last = scratch + ((<usize>(end - begin)) << 2);
  let i = 0;
  for (; i + 16 <= d; i += 16) {
    const at = (<usize>i) << 2;
    weighFew(scratch, last, first + at, row, out + at, total);
  }
  for (; i < d; i += 4) {
    const at = (<usize>i) << 2;
    weighFour(scratch, last, first + at, row, d - i, out + at, total);
  }
  store<f32>(load<usize>(args, 16) + ((<usize>unit) << 2), greatest + log(total));
}

/** The scores of one query, and the greatest of them; with `skip` keys that the mask hides have a score of -∞ without being read. */
function scoreFew(
  args: usize,
  q: usize,
  keys: usize,
  mask: usize,
  begin: i32,
  end: i32,
  scores: usize,
  skip: bool,
): f32 {
  const d = headSize(args);
  const row = (<usize>d) << 2;
  const positions = i32x4.splat(end);
  const whole = d & ~3;
  let most = f32x4.splat(-1e30);
  for (let key = begin; key < end; key += 4, scores += 16) {
    const rest = end - key;
    const bias = mask !== 0 ? read(mask + ((<usize>key) << 2), rest) : f32x4.splat(0);
    if (skip && !v128.any_true(f32x4.gt(within(bias, rest, -Infinity), f32x4.splat(HIDDEN)))) {
      v128.store(scores, f32x4.splat(-Infinity));
      continue;
    }
    const k0 = keys + <usize>key * row;
    const k1 = k0 + (rest > 1 ? row : 0);
    const k2 = k1 + (rest > 2 ? row : 0);
    const k3 = k2 + (rest > 3 ? row : 0);
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let e = a;
    let i = 0;
    for (; i < whole; i += 4) {
      const at = (<usize>i) << 2;
      const x = v128.load(q + at);
      a = fma(x, v128.load(k0 + at), a);
      b = fma(x, v128.load(k1 + at), b);
      c = fma(x, v128.load(k2 + at), c);
      e = fma(x, v128.load(k3 + at), e);
    }
    if (i < d) {
      const at = (<usize>i) << 2;
      const x = read(q + at, d - i);
      a = fma(x, read(k0 + at, d - i), a);
      b = fma(x, read(k1 + at, d - i), b);
      c = fma(x, read(k2 + at, d - i), c);
      e = fma(x, read(k3 + at, d - i), e);
    }
    let score = f32x4.add(scored(args, sumsOf(a, b, c, e), positions, key, true), bias);
    score = within(score, rest, -Infinity);
    v128.store(scores, score);
    most = f32x4.pmax(most, score);
  }
  return maxOf(most);
}

/** Up to four columns of the weighted values, over what their weights sum up to: the sums of four keys in turn do not wait for each other. */
function weighFour(
  weights: usize,
  last: usize,
  values: usize,
  row: usize,
  columns: i32,
  out: usize,
  total: f32,
): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (; weights + 16 <= last; weights += 16, values += 4 * row) {
    const p = v128.load(weights);
    if (!v128.any_true(p)) continue;
    s0 = fma(v128.load_splat<f32>(weights), read(values, columns), s0);
    s1 = fma(v128.load_splat<f32>(weights, 4), read(values + row, columns), s1);
    s2 = fma(v128.load_splat<f32>(weights, 8), read(values + 2 * row, columns), s2);
    s3 = fma(v128.load_splat<f32>(weights, 12), read(values + 3 * row, columns), s3);
  }
  for (; weights < last; weights += 4, values += row) {
    s0 = fma(v128.load_splat<f32>(weights), read(values, columns), s0);
  }
  const sum = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  write(out, f32x4.div(sum, f32x4.splat(total)), columns);
}

/** Sixteen columns of the weighted values, over what their weights sum up to. */
function weighFew(weights: usize, last: usize, values: usize, row: usize, out: usize, total: f32): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (; weights < last; weights += 4, values += row) {
    if (load<f32>(weights) === 0) continue;
    const p = v128.load_splat<f32>(weights);
    s0 = fma(p, v128.load(values), s0);
    s1 = fma(p, v128.load(values, 16), s1);
    s2 = fma(p, v128.load(values, 32), s2);
    s3 = fma(p, v128.load(values, 48), s3);
  }
  const totals = f32x4.splat(total);
  v128.store(out, f32x4.div(s0, totals));
  v128.store(out, f32x4.div(s1, totals), 16);
  v128.store(out, f32x4.div(s2, totals), 32);
  v128.store(out, f32x4.div(s3, totals), 48);
}

/** The gradient; unit = key head of a row of the batch, whose query heads it goes through one by one. */
export function attentionGradient(args: usize, unit: i32, scratch: usize): void {
  const t = queryCount(args);
  const s = keyCount(args);
  const d = headSize(args);
  const row = (<usize>d) << 2;
  const depth = even(d);
  const tiles = (d + 3) >> 2;
  const widePanels = (d + 7) >> 3;
  const wide = (<usize>widePanels) << 5; // bytes of a row of dK or dV, padded to panels
  const group = queryHeads(args) / keyHeads(args);
  const firstHead = (unit / keyHeads(args)) * queryHeads(args) + (unit % keyHeads(args)) * group;
  const ofKeys = <usize>(unit * s) * row;

  const packed = (<usize>(BLOCK * (depth + 8))) << 2; // of any side of a product
  const k = scratch;
  const v = k + packed;
  const kTransposed = v + packed;
  const q = kTransposed + packed;
  const dy = q + packed;
  const qWide = dy + packed;
  const dyWide = qWide + packed;
  const dk = dyWide + packed;
  const dv = dk + packed;
  const dq = dv + packed; // [8, 4 tiles] and its transpose
  const weights = dq + packed; // [panel][key][8], as the gradient of the scores
  const dScores = weights + 8 * PANEL;
  const weightsLeft = dScores + 8 * PANEL; // the same transposed, [key / 4][query][4]
  const dScoresLeft = weightsLeft + 8 * PANEL;
  const deltas = dScoresLeft + 8 * PANEL; // Σ dy · out of each query
  const logSums = deltas + BLOCK * 4;
  const factors = logSums + BLOCK * 4; // of dropout, [key][8]

  memory.fill(load<usize>(args, 72) + <usize>(firstHead * t) * row, 0, <usize>(group * t) * row);
  for (let key = 0; key < s; key += BLOCK) {
    const count = min(BLOCK, s - key);
    packLeft(load<usize>(args, 4) + ofKeys + <usize>key * row, row, count, d, k);
    packLeft(load<usize>(args, 8) + ofKeys + <usize>key * row, row, count, d, v);
    packLeftTransposed(load<usize>(args, 4) + ofKeys + <usize>key * row, row, d, count, kTransposed);
    memory.fill(dk, 0, <usize>BLOCK * wide);
    memory.fill(dv, 0, <usize>BLOCK * wide);
    for (let member = 0; member < group; member++) {
      const head = firstHead + member;
      const mask = maskOf(args, head / queryHeads(args), head % queryHeads(args));
      for (let first = 0; first < t; first += BLOCK) {
        const queries = min(BLOCK, t - first);
        const start = s - t + first;
        if (isHidden(args, start, queries, key, count)) continue;
        const panels = (queries + 7) >> 3;
        const ofQueries = <usize>(head * t + first) * row;
        const dyRows = load<usize>(args, 68) + ofQueries;
        packRightTransposed(load<usize>(args) + ofQueries, row, queries, d, q);
        packRightTransposed(dyRows, row, queries, d, dy);
        packRight(load<usize>(args) + ofQueries, row, d, queries, qWide);
        packRight(dyRows, row, d, queries, dyWide);
        for (let i = 0; i < panels * 8; i++) {
          const query = min(i, queries - 1);
          const at = ofQueries + <usize>query * row;
          store<f32>(
            deltas + ((<usize>i) << 2),
            dot(load<usize>(args, 68) + at, load<usize>(args, 12) + at, d),
          );
          const logSum = load<f32>(load<usize>(args, 16) + ((<usize>(head * t + first + query)) << 2));
          store<f32>(logSums + ((<usize>i) << 2), logSum);
        }
        for (let panel = 0; panel < panels; panel++) {
          const at = (<usize>panel) << 5;
          const p = weights + <usize>panel * PANEL;
          const ds = dScores + <usize>panel * PANEL;
          const seen = seenOf(args, start + panel * 8, 8, key, count);
          for (let i = 0; i < seen; i += 4) {
            const side = (<usize>(i * depth)) << 2;
            tile(k + side, q + <usize>depth * at, depth, p + ((<usize>i) << 5), 32, 0, 0);
            tile(v + side, dy + <usize>depth * at, depth, ds + ((<usize>i) << 5), 32, 0, 0);
          }
          backwardPanel(
            args,
            p,
            ds,
            start + panel * 8,
            first + panel * 8,
            key,
            seen,
            count === s,
            mask,
            head * t + first + panel * 8,
            factors,
            deltas + at,
            logSums + at,
            weightsLeft + 4 * at,
            dScoresLeft + 4 * at,
            (<usize>panels) << 7,
          );
        }
        for (let i = 0; i < count; i += 4) {
          // Queries in panels before the first that sees these keys.
          const unseeing = isCausal(args) ? max(0, key + i - start) & ~7 : 0;
          const inner = even(queries) - unseeing;
          if (inner <= 0) break;
          const side = (<usize>(i * panels * 8 + unseeing * 4)) << 2;
          for (let panel = 0; panel < widePanels; panel++) {
            const right = (<usize>(panel * even(queries) + unseeing)) << 5;
            const to = <usize>i * wide + ((<usize>panel) << 5);
            tile(weightsLeft + side, dyWide + right, inner, dv + to, wide, dv + to, wide);
            tile(dScoresLeft + side, qWide + right, inner, dk + to, wide, dk + to, wide);
          }
        }
        for (let panel = 0; panel < panels; panel++) {
          const seen = seenOf(args, start + panel * 8, 8, key, count);
          if (seen <= 0) continue;
          for (let i = 0; i < tiles; i++) {
            const left = kTransposed + ((<usize>(i * even(count))) << 4);
            tile(left, dScores + <usize>panel * PANEL, even(seen), dq + ((<usize>i) << 7), 32, 0, 0);
          }
          const to = load<usize>(args, 72) + ofQueries + <usize>(panel * 8) * row;
          addTransposed(dq, tiles, min(8, queries - panel * 8), d, to, dq + ((<usize>tiles) << 7));
        }
      }
    }
    for (let i = 0; i < count; i++) {
      const to = ofKeys + <usize>(key + i) * row;
      memory.copy(load<usize>(args, 76) + to, dk + <usize>i * wide, row);
      memory.copy(load<usize>(args, 80) + to, dv + <usize>i * wide, row);
    }
  }
}

function dot(a: usize, b: usize, count: i32): f32 {
  let sum = f32x4.splat(0);
  for (; count > 0; count -= 4, a += 16, b += 16) sum = fma(read(a, count), read(b, count), sum);
  return sumOf(sum);
}

/**
 * Scores and the gradient of the weights become weights and the gradient of the raw scores, and both are written transposed too.
 *
 * @param all whether these are all keys that the queries see
 * @param row the first query among those of all heads
 * @param factors where those of dropout find place
 * @param stride bytes from one four keys of the transposed ones to the next
 */
function backwardPanel(
  args: usize,
  weights: usize,
  dScores: usize,
  query: i32,
  t: i32,
  key: i32,
  count: i32,
  all: bool,
  mask: usize,
  row: i32,
  factors: usize,
  deltas: usize,
  logSums: usize,
  weightsLeft: usize,
  dScoresLeft: usize,
  stride: usize,
): void {
  const open = isOpen(args, query, 8, key, count);
  if (drops(args)) {
    for (let i = 0, end = (count + 3) & ~3; i < end; i++) {
      for (let half = 0; half < 2; half++) {
        const cell = ((<usize>i) << 5) + ((<usize>half) << 4);
        const rows = i32x4.add(i32x4.splat(row + 4 * half), i32x4(0, 1, 2, 3));
        const factor = kept(args, rows, key + i);
        v128.store(factors + cell, factor);
        v128.store(dScores + cell, f32x4.mul(v128.load(dScores + cell), factor));
      }
    }
  }
  if (all) {
    // What Σ weight · gradient rounds to is taken off again, so that it cancels in sums over the keys.
    for (let half = 0; half < 2; half++) {
      const lane = (<usize>half) << 4;
      const positions = i32x4.add(i32x4.splat(query + 4 * half), i32x4(0, 1, 2, 3));
      let delta = f32x4.splat(0);
      for (let i = 0; i < count; i++) {
        const cell = ((<usize>i) << 5) + lane;
        const s = scored(args, v128.load(weights + cell), positions, i, open);
        const p = weightOf(args, s, v128.load(logSums + lane), mask, t + 4 * half, i);
        delta = fma(p, v128.load(dScores + cell), delta);
      }
      v128.store(deltas + lane, delta);
    }
  }
  for (let i = 0; i < count; i += 4) {
    for (let half = 0; half < 2; half++) {
      const lane = (<usize>half) << 4;
      const at = ((<usize>i) << 5) + lane;
      const positions = i32x4.add(i32x4.splat(query + 4 * half), i32x4(0, 1, 2, 3));
      for (let j = 0; j < 4; j++) {
        const cell = at + ((<usize>j) << 5);
        const s = scored(args, v128.load(weights + cell), positions, key + i + j, open);
        const p = weightOf(args, s, v128.load(logSums + lane), mask, t + 4 * half, key + i + j);
        const difference = f32x4.sub(v128.load(dScores + cell), v128.load(deltas + lane));
        let ds = f32x4.mul(f32x4.mul(p, difference), f32x4.splat(scaleOf(args)));
        const cap = softcap(args);
        if (cap > 0) {
          const ratio = f32x4.div(s, f32x4.splat(cap));
          const slope = f32x4.sub(f32x4.splat(1), f32x4.mul(ratio, ratio));
          // A hidden score is infinite; its weight is 0 whatever the slope.
          ds = v128.bitselect(f32x4.mul(ds, slope), f32x4.splat(0), f32x4.gt(p, f32x4.splat(0)));
        }
        v128.store(weights + cell, drops(args) ? f32x4.mul(p, v128.load(factors + cell)) : p);
        v128.store(dScores + cell, ds);
      }
      const to = <usize>(i >> 2) * stride + ((<usize>half) << 6);
      transposeFour(weights + at, weightsLeft + to);
      transposeFour(dScores + at, dScoresLeft + to);
    }
  }
}

/** The weights of one key for four queries from row t on, given its scores and the logarithms of their sums. */
function weightOf(args: usize, score: v128, logSums: v128, mask: usize, t: i32, key: i32): v128 {
  if (mask !== 0) {
    const keys = keyCount(args);
    score = f32x4.add(score, added(mask, t, queryCount(args) - 1, keys, min(key, keys - 1)));
  }
  return expBelow88(f32x4.sub(score, logSums));
}

/** Four keys by four queries, from rows of 8 queries to rows of 4 keys. */
function transposeFour(from: usize, to: usize): void {
  storeTransposed(v128.load(from), v128.load(from, 32), v128.load(from, 64), v128.load(from, 96), to, 16);
}

/** Adds the transpose of `[4 tiles, 8]` to `rows` rows of width d; `space` holds it meanwhile. */
function addTransposed(from: usize, tiles: i32, rows: i32, d: i32, to: usize, space: usize): void {
  const stride = (<usize>tiles) << 4;
  for (let i = 0; i < tiles; i++) {
    for (let half: usize = 0; half < 2; half++) {
      const at = from + ((<usize>i) << 7) + (half << 4);
      const target = space + 4 * half * stride + ((<usize>i) << 4);
      storeTransposed(v128.load(at), v128.load(at, 32), v128.load(at, 64), v128.load(at, 96), target, stride);
    }
  }
  for (let j = 0; j < rows; j++, space += stride, to += (<usize>d) << 2) {
    for (let c = 0; c < d; c += 4) {
      const at = (<usize>c) << 2;
      write(to + at, f32x4.add(read(to + at, d - c), read(space + at, d - c)), d - c);
    }
  }
}
