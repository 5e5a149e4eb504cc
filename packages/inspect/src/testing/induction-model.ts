import { parameters, Rng } from '@minigpt/core';
import { GPT } from '@minigpt/models';
import { tensor } from '@tensorflow/tfjs-core';

const V = 12;
const P = 26;
/** D: a head can hold a token and a position, each one-hot. */
const D = V + P;
const C = 2 * D;
/** Where the residual stream holds the token, the token before it, and the position. */
const TOKEN = 0;
const BEFORE = V;
const POSITION = 2 * V;
/** Large enough for a softmax to be all or nothing. */
const SHARP = 40;

/**
 * A GPT without MLPs whose weights are set by hand, so that what each head does is known. With tokens, positions and tokens
 * before in parts of the residual stream of their own:
 *
 * - L0H0 attends to the token before, and writes it down;
 * - L0H1 attends to the same token at earlier positions, and writes nothing;
 * - L1H0 attends to where the token before was the present one, and predicts what stands there: an induction head;
 * - L1H1 attends to the first position, and writes nothing.
 */
export function inductionModel(): GPT {
  const model = new GPT({
    vocabSize: V,
    blockSize: P,
    nLayer: 2,
    nHead: 2,
    nEmbd: C,
    nInner: 1,
    rng: new Rng(0),
  });
  const attention = () => Array.from({ length: C }, () => new Float32Array(3 * C));
  const projection = () => Array.from({ length: C }, () => new Float32Array(C));
  const oneHot = (rows: number, first: number) =>
    Array.from({ length: rows }, (_, row) =>
      Float32Array.from({ length: C }, (_, c) => (c === first + row ? 1 : 0)),
    );
  const [q, k, v] = [0, C, 2 * C];

  const first = attention();
  const written = projection();
  for (let p = 0; p < P; p++) {
    first[POSITION + p][q + p] = SHARP;
    if (p + 1 < P) first[POSITION + p][k + p + 1] = 1;
    first[POSITION + p][q + D + V + p] = -SHARP; // not to itself
    first[POSITION + p][k + D + V + p] = 1;
  }
  for (let id = 0; id < V; id++) {
    first[TOKEN + id][v + id] = 1;
    written[id][BEFORE + id] = 1;
    first[TOKEN + id][q + D + id] = SHARP;
    first[TOKEN + id][k + D + id] = 1;
  }

  const second = attention();
  const predicted = projection();
  const secondBias = new Float32Array(3 * C);
  for (let id = 0; id < V; id++) {
    second[TOKEN + id][q + id] = SHARP;
    second[BEFORE + id][k + id] = 1;
    second[TOKEN + id][v + id] = 1;
    predicted[id][TOKEN + id] = 10;
  }
  secondBias[q + D] = SHARP;
  second[POSITION][k + D] = 1;

  const matrices: Readonly<Record<string, readonly Float32Array[]>> = {
    'transformer.wte.weight': oneHot(V, TOKEN),
    'transformer.wpe.weight': oneHot(P, POSITION),
    'transformer.h.0.attn.c_attn.weight': first,
    'transformer.h.0.attn.c_proj.weight': written,
    'transformer.h.1.attn.c_attn.weight': second,
    'transformer.h.1.attn.c_attn.bias': [secondBias],
    'transformer.h.1.attn.c_proj.weight': predicted,
  };
  for (const [path, parameter] of parameters(model)) {
    const rows = matrices[path];
    if (rows === undefined && !/mlp\.c_proj/.test(path)) continue;
    const values = rows?.flatMap((row) => [...row]) ?? new Array<number>(parameter.size).fill(0);
    const value = tensor(values, parameter.shape);
    parameter.assign(value);
    value.dispose();
  }
  return model;
}
