import { attentionSizes } from '../shaders/attention-sizes.ts';
import { dispatch, groupsFor, LANES, reductions } from './dispatch.ts';
import type { Kernel } from './kernel.ts';

/** A head of size D is gathered by the threads of a workgroup, each every 64th of its dimensions. */
const partsOf = (d: number) => Math.ceil(d / LANES);

/** `row` counts the queries of all heads, `key` those of one head; `keyRow` is the same key among all heads'. */
const places = (parts: number) => `
  ${reductions}
  const PARTS = ${parts};
  var<workgroup> first: array<f32, ${LANES}>;
  var<workgroup> second: array<f32, ${LANES}>;
  fn sees(row: i32, key: i32) -> bool {
    let behind = row % sizes.t + sizes.s - sizes.t - key;
    return sizes.causal == 0 || (behind >= 0 && behind < sizes.window);
  }
  fn keyRow(row: i32, key: i32) -> i32 {
    let head = row / sizes.t; // of all texts
    let text = head / sizes.heads;
    let keyHead = (head - text * sizes.heads) / (sizes.heads / sizes.keyHeads);
    return (text * sizes.keyHeads + keyHead) * sizes.s + key;
  }
  fn capped(row: i32, key: i32) -> f32 {
    let keyAt = keyRow(row, key) * sizes.d;
    var total = 0.0;
    for (var c = 0; c < sizes.d; c++) { total += q[row * sizes.d + c] * k[keyAt + c]; }
    total *= sizes.scale;
    if (sizes.softcap > 0.0) { total = sizes.softcap * tanh(clamp(total / sizes.softcap, -15.0, 15.0)); }
    return total;
  }
`;

/** WGSL of what the mask adds to a score. */
const maskOf = (masked: boolean) =>
  masked
    ? `fn maskOf(row: i32, key: i32) -> f32 {
        let head = row / sizes.t;
        let text = head / sizes.heads;
        let ofText = select(text, 0, sizes.maskTexts == 1);
        let ofHead = select(head - text * sizes.heads, 0, sizes.maskHeads == 1);
        return mask[((ofText * sizes.maskHeads + ofHead) * sizes.t + row % sizes.t) * sizes.s + key];
      }`
    : 'fn maskOf(row: i32, key: i32) -> f32 { return 0.0; }';

/**
 * A workgroup for each query walks along the keys, 64 at a time, and keeps sums that are rescaled when a greater score
 * comes (Milakov & Gimelshein 2018, "Online normalizer calculation for softmax"; Dao et al. 2022, "FlashAttention").
 */
const attention: Kernel = (backend, inputs, attrs) => {
  const { q, k, v, mask } = inputs;
  const [b, h, t, d] = q.shape;
  const { gathered, logSumExp } = dispatch(backend, {
    ...attentionSizes(inputs, attrs),
    name: `Attention${partsOf(d)}${mask ? 'Masked' : ''}`,
    inputs: { q, k, v, ...(mask && { mask }) },
    outputs: { gathered: q.shape, logSumExp: [b, h, t] },
    declarations: places(partsOf(d)) + maskOf(mask !== undefined),
    code: `
      var greatest = -1.0e30;
      var total = 0.0;
      var sums: array<f32, PARTS>;
      for (var begin = 0; begin < sizes.s; begin += ${LANES}) {
        let key = begin + lane;
        let seen = key < sizes.s && sees(group, key);
        var score = -1.0e30;
        if (seen) { score = capped(group, key) + maskOf(group, key); }
        let next = max(greatest, reduceMax(score, lane));
        let shrink = exp(greatest - next);
        greatest = next;
        let weight = select(0.0, exp(score - next), seen);
        total = total * shrink + reduceSum(weight, lane);
        first[lane] = weight;
        workgroupBarrier();
        let count = min(${LANES}, sizes.s - begin);
        for (var part = 0; part < PARTS; part++) {
          let c = part * ${LANES} + lane;
          if (c < sizes.d) {
            var sum = sums[part] * shrink;
            for (var j = 0; j < count; j++) { sum += first[j] * v[keyRow(group, begin + j) * sizes.d + c]; }
            sums[part] = sum;
          }
        }
        workgroupBarrier();
      }
      for (var part = 0; part < PARTS; part++) {
        let c = part * ${LANES} + lane;
        if (c < sizes.d) { gathered[group * sizes.d + c] = sums[part] / total; }
      }
      if (lane == 0) { logSumExp[group] = greatest + log(total); }
    `,
    groups: b * h * t,
  });
  return [gathered, logSumExp];
};

/** WGSL of a pair: its weight anew, and the gradient of its score. */
const PAIR = `
  fn pairOf(row: i32, key: i32) -> vec2<f32> {
    let valueAt = keyRow(row, key) * sizes.d;
    var dWeight = 0.0;
    for (var c = 0; c < sizes.d; c++) { dWeight += dy[row * sizes.d + c] * v[valueAt + c]; }
    let score = capped(row, key);
    let weight = exp(score + maskOf(row, key) - ofRows[2 * row]);
    var dScore = weight * (dWeight - ofRows[2 * row + 1]) * sizes.scale;
    if (sizes.softcap > 0.0) { dScore *= 1.0 - (score / sizes.softcap) * (score / sizes.softcap); }
    return vec2<f32>(weight, dScore);
  }
`;

/**
 * Three dispatches: `dy · out` of each query, laid beside its `logSumExp` (WebGPU promises eight arrays to a program, and no
 * more); a workgroup a query for its gradient; one a key for those of key and value.
 */
const attentionGrad: Kernel = (backend, inputs, attrs) => {
  const { dy, q, k, v, out, logSumExp, mask } = inputs;
  const [b, h, t, d] = q.shape;
  const [, keyHeads, s] = k.shape;
  const variant = `${partsOf(d)}${mask ? 'Masked' : ''}`;
  const common = {
    ...attentionSizes(inputs, attrs),
    declarations: places(partsOf(d)) + maskOf(mask !== undefined) + PAIR,
  };
  const rows = b * h * t;
  const { ofRows } = dispatch(backend, {
    name: 'AttentionGradOfRows',
    inputs: { dy, gathered: out, logSumExp },
    outputs: { ofRows: [rows, 2] },
    ints: { rows, d },
    code: `
      let row = group * ${LANES} + lane;
      if (row >= sizes.rows) { return; }
      var along = 0.0;
      for (var c = 0; c < sizes.d; c++) { along += dy[row * sizes.d + c] * gathered[row * sizes.d + c]; }
      ofRows[2 * row] = logSumExp[row];
      ofRows[2 * row + 1] = along;
    `,
    groups: groupsFor(rows),
  });
  const pairs = { dy, q, k, v, ofRows, ...(mask && { mask }) };
  const { dq } = dispatch(backend, {
    ...common,
    name: `AttentionGradOfQueries${variant}`,
    inputs: pairs,
    outputs: { dq: q.shape },
    code: `
      var sums: array<f32, PARTS>;
      for (var begin = 0; begin < sizes.s; begin += ${LANES}) {
        let key = begin + lane;
        first[lane] = 0.0;
        if (key < sizes.s && sees(group, key)) {
          first[lane] = pairOf(group, key).y;
        }
        workgroupBarrier();
        let count = min(${LANES}, sizes.s - begin);
        for (var part = 0; part < PARTS; part++) {
          let c = part * ${LANES} + lane;
          if (c < sizes.d) {
            for (var j = 0; j < count; j++) {
              sums[part] += first[j] * k[keyRow(group, begin + j) * sizes.d + c];
            }
          }
        }
        workgroupBarrier();
      }
      for (var part = 0; part < PARTS; part++) {
        let c = part * ${LANES} + lane;
        if (c < sizes.d) { dq[group * sizes.d + c] = sums[part]; }
      }
    `,
    groups: rows,
  });
  const { dk, dv } = dispatch(backend, {
    ...common,
    name: `AttentionGradOfKeys${variant}`,
    inputs: pairs,
    outputs: { dk: k.shape, dv: v.shape },
    code: `
      let keyHead = group / sizes.s; // of all texts
      let key = group - keyHead * sizes.s;
      let rows = sizes.heads / sizes.keyHeads * sizes.t; // queries' heads side by side look at one key head
      var keySums: array<f32, PARTS>;
      var valueSums: array<f32, PARTS>;
      for (var begin = 0; begin < rows; begin += ${LANES}) {
        let row = keyHead * rows + begin + lane;
        first[lane] = 0.0;
        second[lane] = 0.0;
        if (begin + lane < rows && sees(row, key)) {
          let pair = pairOf(row, key);
          first[lane] = pair.x;
          second[lane] = pair.y;
        }
        workgroupBarrier();
        let count = min(${LANES}, rows - begin);
        for (var part = 0; part < PARTS; part++) {
          let c = part * ${LANES} + lane;
          if (c < sizes.d) {
            for (var j = 0; j < count; j++) {
              let at = (keyHead * rows + begin + j) * sizes.d + c;
              keySums[part] += second[j] * q[at];
              valueSums[part] += first[j] * dy[at];
            }
          }
        }
        workgroupBarrier();
      }
      for (var part = 0; part < PARTS; part++) {
        let c = part * ${LANES} + lane;
        if (c < sizes.d) {
          dk[group * sizes.d + c] = keySums[part];
          dv[group * sizes.d + c] = valueSums[part];
        }
      }
    `,
    groups: b * keyHeads * s,
  });
  backend.disposeData(ofRows.dataId);
  return [dq, dk, dv];
};

export const attentionKernels: Readonly<Record<string, Kernel>> = {
  Attention: attention,
  AttentionGrad: attentionGrad,
  GeneralAttention: attention,
  GeneralAttentionGrad: attentionGrad,
};
