import { attentionSizes } from '../shaders/attention-sizes.ts';
import { sizeOf } from '../size-of.ts';
import type { Kernel } from './kernel.ts';
import { runPass, runPassInParts } from './pass.ts';

/** `row` counts the queries of all heads, `key` those of one head; `keyRow` is the same key among all heads'. */
const PLACES = `
  bool sees(int row, int key) {
    int behind = row % t + s - t - key;
    return causal == 0 || (behind >= 0 && behind < window);
  }
  int keyRow(int row, int key) {
    int head = row / t; // of all texts
    int text = head / heads;
    return (text * keyHeads + (head - text * heads) / (heads / keyHeads)) * s + key;
  }
`;

const SCORE = (masked: boolean) => `
  ${PLACES}
  float capped(int row, int key) {
    int keyAt = keyRow(row, key) * d;
    float total = 0.0;
    for (int c = 0; c < d; c++) total += getQ(row * d + c) * getK(keyAt + c);
    total *= scale;
    return softcap > 0.0 ? softcap * tanh(clamp(total / softcap, -15.0, 15.0)) : total;
  }
  float score(int row, int key) {
    ${masked ? MASKED : 'return capped(row, key);'}
  }
`;

const MASKED = `
  int head = row / t;
  int text = head / heads;
  int ofText = maskTexts == 1 ? 0 : text;
  int ofHead = maskHeads == 1 ? 0 : head - text * heads;
  return capped(row, key) + getMask(((ofText * maskHeads + ofHead) * t + row % t) * s + key);
`;

/** Three passes: scores, their sums along the keys, and what they gather. */
const attention: Kernel = (backend, inputs, attrs) => {
  const { q, k, v, mask } = inputs;
  const [b, h, t] = q.shape;
  const s = k.shape[2];
  const sizes = attentionSizes(inputs, attrs);
  const scores = runPass(backend, [b, h, t, s], {
    ...sizes,
    inputs: { q, k, ...(mask && { mask }) },
    size: b * h * t * s,
    functions: SCORE(mask !== undefined),
    value: 'int row = i / s; return sees(row, i - row * s) ? score(row, i - row * s) : -1.0e30;',
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
  const gathered = runPass(backend, q.shape, {
    inputs: { scores, logSumExp, v },
    size: sizeOf(q),
    ints: sizes.ints,
    functions: PLACES,
    value: `
      int row = i / d;
      int c = i - row * d;
      float total = 0.0;
      for (int key = 0; key < s; key++) {
        if (!sees(row, key)) continue;
        total += exp(getScores(row * s + key) - getLogSumExp(row)) * getV(keyRow(row, key) * d + c);
      }
      return total;
    `,
  });
  backend.disposeIntermediateTensorInfo(scores);
  return [gathered, logSumExp];
};

/** Four passes: the weights anew, `dy · out` of each query, the gradient of the scores, and those of q, k and v at once. */
const attentionGrad: Kernel = (backend, inputs, attrs) => {
  const { dy, q, k, v, out, logSumExp, mask } = inputs;
  const [b, h, t, d] = q.shape;
  const s = k.shape[2];
  const sizes = attentionSizes(inputs, attrs);
  const weights = runPass(backend, [b, h, t, s], {
    ...sizes,
    inputs: { q, k, logSumExp, ...(mask && { mask }) },
    size: b * h * t * s,
    functions: SCORE(mask !== undefined),
    value: `
      int row = i / s;
      int key = i - row * s;
      return sees(row, key) ? exp(score(row, key) - getLogSumExp(row)) : 0.0;
    `,
  });
  const along = runPass(backend, [b, h, t], {
    inputs: { dy, gathered: out },
    size: b * h * t,
    ints: { d },
    value: `
      float total = 0.0;
      for (int c = 0; c < d; c++) total += getDy(i * d + c) * getGathered(i * d + c);
      return total;
    `,
  });
  const { maskTexts, maskHeads, ...ints } = sizes.ints;
  const dScores = runPass(backend, [b, h, t, s], {
    inputs: { q, k, v, dy, weights, along },
    size: b * h * t * s,
    ints,
    floats: sizes.floats,
    functions: SCORE(false),
    value: `
      int row = i / s;
      int key = i - row * s;
      if (!sees(row, key)) return 0.0;
      int valueAt = keyRow(row, key) * d;
      float dWeight = 0.0;
      for (int c = 0; c < d; c++) dWeight += getDy(row * d + c) * getV(valueAt + c);
      float dScore = getWeights(i) * (dWeight - getAlong(row)) * scale;
      if (softcap == 0.0) return dScore;
      float ofCap = capped(row, key) / softcap;
      return dScore * (1.0 - ofCap * ofCap);
    `,
  });
  const grads = runPassInParts(backend, [q.shape, k.shape, v.shape], {
    inputs: { weights, dScores, dy, q, k },
    ints: { ...ints, queries: sizeOf(q), keys: sizeOf(k) },
    functions: PLACES,
    value: `
      float total = 0.0;
      if (i < queries) {
        int row = i / d;
        int c = i - row * d;
        for (int key = 0; key < s; key++) {
          if (sees(row, key)) total += getDScores(row * s + key) * getK(keyRow(row, key) * d + c);
        }
        return total;
      }
      bool ofKey = i < queries + keys;
      int at = ofKey ? i - queries : i - queries - keys;
      int key = at / d; // of all heads
      int c = at - key * d;
      int keyHead = key / s;
      int shared = heads / keyHeads; // queries' heads side by side look at one key head
      for (int query = 0; query < shared * t; query++) {
        int row = keyHead * shared * t + query;
        if (!sees(row, key - keyHead * s)) continue;
        int pair = row * s + key - keyHead * s;
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
  GeneralAttention: attention,
  GeneralAttentionGrad: attentionGrad,
};
