import { dispatch, LANES, reductions } from './dispatch.ts';
import type { Kernel } from './kernel.ts';

/** A head of size D is gathered by the threads of a workgroup, each every 64th of its dimensions. */
const partsOf = (d: number) => Math.ceil(d / LANES);

const declarations = (parts: number) => `
  ${reductions}
  const PARTS = ${parts};
  var<workgroup> first: array<f32, ${LANES}>;
  var<workgroup> second: array<f32, ${LANES}>;
`;

/**
 * A workgroup for each query walks along the keys, 64 at a time, and keeps sums that are rescaled when a greater score
 * comes (Milakov & Gimelshein 2018, "Online normalizer calculation for softmax"; Dao et al. 2022, "FlashAttention").
 */
const attention: Kernel = (backend, { q, k, v }, attrs) => {
  const { causal, scale } = attrs as { causal: boolean; scale: number };
  const [b, h, t, d] = q.shape;
  const s = k.shape[2];
  const { gathered, logSumExp } = dispatch(backend, {
    name: `Attention${partsOf(d)}`,
    inputs: { q, k, v },
    outputs: { gathered: q.shape, logSumExp: [b, h, t] },
    ints: { t, s, d, causal: Number(causal) },
    floats: { scale },
    declarations: declarations(partsOf(d)),
    code: `
      let head = group / sizes.t;
      let query = group - head * sizes.t;
      let seen = select(sizes.s, query + sizes.s - sizes.t + 1, sizes.causal == 1);
      var greatest = -1.0e30;
      var total = 0.0;
      var sums: array<f32, PARTS>;
      for (var begin = 0; begin < seen; begin += ${LANES}) {
        let key = begin + lane;
        var score = -1.0e30;
        if (key < seen) {
          score = 0.0;
          for (var c = 0; c < sizes.d; c++) {
            score += q[group * sizes.d + c] * k[(head * sizes.s + key) * sizes.d + c];
          }
          score *= sizes.scale;
        }
        let next = max(greatest, reduceMax(score, lane));
        let shrink = exp(greatest - next);
        greatest = next;
        let weight = select(0.0, exp(score - next), key < seen);
        total = total * shrink + reduceSum(weight, lane);
        first[lane] = weight;
        workgroupBarrier();
        let count = min(${LANES}, seen - begin);
        for (var part = 0; part < PARTS; part++) {
          let c = part * ${LANES} + lane;
          if (c < sizes.d) {
            var sum = sums[part] * shrink;
            for (var j = 0; j < count; j++) {
              sum += first[j] * v[(head * sizes.s + begin + j) * sizes.d + c];
            }
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

/** The weight of a pair anew, and the gradient of its score; `along` is `dy · out` of the query. */
const PAIR = `
  fn dotOf(query: i32, key: i32) -> vec2<f32> {
    var score = 0.0;
    var dWeight = 0.0;
    for (var c = 0; c < sizes.d; c++) {
      score += q[query * sizes.d + c] * k[key * sizes.d + c];
      dWeight += dy[query * sizes.d + c] * v[key * sizes.d + c];
    }
    return vec2<f32>(score, dWeight);
  }
  fn alongOf(query: i32) -> f32 {
    var along = 0.0;
    for (var c = 0; c < sizes.d; c++) { along += dy[query * sizes.d + c] * gathered[query * sizes.d + c]; }
    return along;
  }
`;

/** Two dispatches: a workgroup for each query gives its gradient, then one for each key those of key and value. */
const attentionGrad: Kernel = (backend, { dy, q, k, v, out, logSumExp }, attrs) => {
  const { causal, scale } = attrs as { causal: boolean; scale: number };
  const [b, h, t, d] = q.shape;
  const s = k.shape[2];
  const common = {
    inputs: { dy, q, k, v, gathered: out, logSumExp },
    ints: { t, s, d, causal: Number(causal) },
    floats: { scale },
    declarations: declarations(partsOf(d)) + PAIR,
  };
  const { dq } = dispatch(backend, {
    ...common,
    name: `AttentionGradOfQueries${partsOf(d)}`,
    outputs: { dq: q.shape },
    code: `
      let head = group / sizes.t;
      let query = group - head * sizes.t;
      let seen = select(sizes.s, query + sizes.s - sizes.t + 1, sizes.causal == 1);
      let along = alongOf(group);
      var sums: array<f32, PARTS>;
      for (var begin = 0; begin < seen; begin += ${LANES}) {
        let key = begin + lane;
        if (key < seen) {
          let pair = dotOf(group, head * sizes.s + key);
          first[lane] = exp(pair.x * sizes.scale - logSumExp[group]) * (pair.y - along) * sizes.scale;
        }
        workgroupBarrier();
        let count = min(${LANES}, seen - begin);
        for (var part = 0; part < PARTS; part++) {
          let c = part * ${LANES} + lane;
          if (c < sizes.d) {
            for (var j = 0; j < count; j++) {
              sums[part] += first[j] * k[(head * sizes.s + begin + j) * sizes.d + c];
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
    groups: b * h * t,
  });
  const { dk, dv } = dispatch(backend, {
    ...common,
    name: `AttentionGradOfKeys${partsOf(d)}`,
    outputs: { dk: k.shape, dv: v.shape },
    code: `
      let head = group / sizes.s;
      let key = group - head * sizes.s;
      let firstQuery = select(0, max(0, key - (sizes.s - sizes.t)), sizes.causal == 1); // the first query that sees it
      var keySums: array<f32, PARTS>;
      var valueSums: array<f32, PARTS>;
      for (var begin = firstQuery; begin < sizes.t; begin += ${LANES}) {
        let query = head * sizes.t + begin + lane;
        if (begin + lane < sizes.t) {
          let pair = dotOf(query, group);
          let weight = exp(pair.x * sizes.scale - logSumExp[query]);
          first[lane] = weight;
          second[lane] = weight * (pair.y - alongOf(query)) * sizes.scale;
        }
        workgroupBarrier();
        let count = min(${LANES}, sizes.t - begin);
        for (var part = 0; part < PARTS; part++) {
          let c = part * ${LANES} + lane;
          if (c < sizes.d) {
            for (var j = 0; j < count; j++) {
              let at = (head * sizes.t + begin + j) * sizes.d + c;
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
    groups: b * h * s,
  });
  return [dq, dk, dv];
};

export const attentionKernels: Readonly<Record<string, Kernel>> = {
  Attention: attention,
  AttentionGrad: attentionGrad,
};
