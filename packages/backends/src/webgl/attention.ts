import type { Kernel } from './kernel.ts';
import { runPass, runPassInParts, sizeOf } from './pass.ts';

/** Whether query t sees key s: the queries are the last positions. */
const SEES = 'bool sees(int query, int key) { return causal == 0 || key <= query + s - t; }';

/** Three passes: scores, their sums along the keys, and what they gather. */
const attention: Kernel = (backend, { q, k, v }, attrs) => {
  const { causal, scale } = attrs as { causal: boolean; scale: number };
  const [b, h, t, d] = q.shape;
  const s = k.shape[2];
  const ints = { t, s, d, causal: Number(causal) };
  const scores = runPass(backend, [b, h, t, s], {
    inputs: { q, k },
    size: b * h * t * s,
    ints,
    floats: { scale },
    functions: SEES,
    value: `
      int row = i / s; // of all heads' queries
      int key = i - row * s;
      if (!sees(row % t, key)) return -1.0e30;
      int keyAt = ((row / t) * s + key) * d;
      float score = 0.0;
      for (int c = 0; c < d; c++) score += getQ(row * d + c) * getK(keyAt + c);
      return score * scale;
    `,
  });
  const logSumExp = runPass(backend, [b, h, t], {
    inputs: { scores },
    size: b * h * t,
    ints: { s },
    value: `
      float greatest = getScores(i * s);
      for (int key = 1; key < s; key++) greatest = max(greatest, getScores(i * s + key));
      float total = 0.0;
      for (int key = 0; key < s; key++) total += exp(getScores(i * s + key) - greatest);
      return greatest + log(total);
    `,
  });
  const out = runPass(backend, q.shape, {
    inputs: { scores, logSumExp, v },
    size: sizeOf(q),
    ints,
    functions: SEES,
    value: `
      int row = i / d;
      int c = i - row * d;
      int values = (row / t) * s;
      float gathered = 0.0;
      for (int key = 0; key < s; key++) {
        if (!sees(row % t, key)) break;
        gathered += exp(getScores(row * s + key) - getLogSumExp(row)) * getV((values + key) * d + c);
      }
      return gathered;
    `,
  });
  backend.disposeIntermediateTensorInfo(scores);
  return [out, logSumExp];
};

/** Four passes: the weights anew, `dy · out` of each query, the gradient of the scores, and those of q, k and v at once. */
const attentionGrad: Kernel = (backend, { dy, q, k, v, out, logSumExp }, attrs) => {
  const { causal, scale } = attrs as { causal: boolean; scale: number };
  const [b, h, t, d] = q.shape;
  const s = k.shape[2];
  const ints = { t, s, d, causal: Number(causal) };
  const square = { size: b * h * t * s, ints, floats: { scale }, functions: SEES };
  const weights = runPass(backend, [b, h, t, s], {
    ...square,
    inputs: { q, k, logSumExp },
    value: `
      int row = i / s;
      int key = i - row * s;
      if (!sees(row % t, key)) return 0.0;
      int keyAt = ((row / t) * s + key) * d;
      float score = 0.0;
      for (int c = 0; c < d; c++) score += getQ(row * d + c) * getK(keyAt + c);
      return exp(score * scale - getLogSumExp(row));
    `,
  });
  const along = runPass(backend, [b, h, t], {
    inputs: { dy, gathered: out }, // `out` means something to GLSL
    size: b * h * t,
    ints: { d },
    value: `
      float total = 0.0;
      for (int c = 0; c < d; c++) total += getDy(i * d + c) * getGathered(i * d + c);
      return total;
    `,
  });
  const dScores = runPass(backend, [b, h, t, s], {
    ...square,
    inputs: { weights, along, dy, v },
    value: `
      int row = i / s;
      int key = i - row * s;
      if (!sees(row % t, key)) return 0.0;
      int valueAt = ((row / t) * s + key) * d;
      float dWeight = 0.0;
      for (int c = 0; c < d; c++) dWeight += getDy(row * d + c) * getV(valueAt + c);
      return getWeights(i) * (dWeight - getAlong(row)) * scale;
    `,
  });
  const grads = runPassInParts(backend, [q.shape, k.shape, v.shape], {
    inputs: { weights, dScores, dy, q, k },
    ints: { ...ints, queries: sizeOf(q), keys: sizeOf(k) },
    functions: SEES,
    value: `
      if (i < queries) {
        int row = i / d;
        int c = i - row * d;
        int keys = (row / t) * s;
        float total = 0.0;
        for (int key = 0; key < s; key++) {
          if (!sees(row % t, key)) break;
          total += getDScores(row * s + key) * getK((keys + key) * d + c);
        }
        return total;
      }
      bool ofKey = i < queries + keys;
      int at = ofKey ? i - queries : i - queries - keys;
      int key = at / d; // of all heads' keys
      int c = at - key * d;
      int head = key / s;
      float total = 0.0;
      for (int query = 0; query < t; query++) {
        if (!sees(query, key - head * s)) continue;
        int row = head * t + query;
        int pair = row * s + key - head * s;
        total += ofKey ? getDScores(pair) * getQ(row * d + c) : getWeights(pair) * getDy(row * d + c);
      }
      return total;
    `,
  });
  for (const tensor of [weights, along, dScores]) backend.disposeIntermediateTensorInfo(tensor);
  return grads;
};

export const attentionKernels: Readonly<Record<string, Kernel>> = {
  Attention: attention,
  AttentionGrad: attentionGrad,
};
