import { fromHost, type HostTensor, parameter, valueAndGrads } from '@minigpt/core';
import { describeOnBackends, expectClose } from '@minigpt/testing';
import {
  NEEDS_REFERENCE_DATA,
  readReferenceJson,
  readReferenceTensors,
  referenceData,
} from '@minigpt/testing/reference';
import {
  dispose,
  memory,
  mul,
  type Scalar,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import {
  attend,
  attention,
  attentionWeights,
  conv1d,
  crossEntropy,
  embedding,
  geluErf,
  geluTanh,
  layerNorm,
  linear,
  reluSquared,
  rmsNorm,
  silu,
  tokenLosses,
} from './index.ts';

interface Settings {
  readonly eps?: number;
  readonly scale?: number;
  readonly smooth?: number;
}

type Inputs = Record<string, Tensor>;
type Operation = (inputs: Inputs, settings: Settings) => Tensor;

const vector = (x: Tensor) => x as Tensor1D;
const matrix = (x: Tensor) => x as Tensor2D;
const heads = (x: Tensor) => x as Tensor4D;

const layerNormed: Operation = ({ x, weight, bias }, { eps }) =>
  layerNorm(x, vector(weight), bias && vector(bias), { eps });
const rmsNormed: Operation = ({ x, weight }, { eps }) => rmsNorm(x, vector(weight), { eps });
const attended =
  (causal: boolean): Operation =>
  ({ q, k, v }, { scale }) =>
    attention(heads(q), heads(k), heads(v), { causal, scale });
const entropy: Operation = ({ logits, targets }, { smooth }) =>
  crossEntropy(matrix(logits), vector(targets), { labelSmoothing: smooth });

/** How the output of each golden file follows from its inputs. */
const operations: Readonly<Record<string, Operation>> = {
  linear: ({ x, weight, bias }) => linear(x, matrix(weight), vector(bias)),
  linear_no_bias: ({ x, weight }) => linear(x, matrix(weight)),
  conv1d: ({ x, weight, bias }) => conv1d(x, matrix(weight), vector(bias)),
  embedding: ({ ids, weight }) => embedding(ids, matrix(weight)),
  layernorm: layerNormed,
  layernorm_big_eps: layerNormed,
  layernorm_no_bias: layerNormed,
  rmsnorm: rmsNormed,
  rmsnorm_big_eps: rmsNormed,
  gelu_erf: ({ x }) => geluErf(x),
  gelu_tanh: ({ x }) => geluTanh(x),
  silu: ({ x }) => silu(x),
  relu2: ({ x }) => reluSquared(x),
  gelu_mlp: ({ x, fc_weight, fc_bias, proj_weight, proj_bias }) =>
    tidy(() => {
      const hidden = geluTanh(linear(x, matrix(fc_weight), vector(fc_bias)));
      return linear(hidden, matrix(proj_weight), vector(proj_bias));
    }),
  attention_causal: attended(true),
  attention_causal_scale: attended(true),
  attention_full: attended(false),
  attention_fewer_queries: attended(true),
  cross_entropy: entropy,
  cross_entropy_large_logits: entropy,
  cross_entropy_smooth: entropy,
  cross_entropy_none: ({ logits, targets }) => tokenLosses(matrix(logits), vector(targets)),
  cross_entropy_sum: ({ logits, targets }) => tidy(() => sum(tokenLosses(matrix(logits), vector(targets)))),
};

interface Case {
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly settings: Settings;
}

const fixtures = new URL('../fixtures/', import.meta.url).pathname;
const fixtureTensors = readReferenceTensors(`${fixtures}operations.safetensors`);
const fixtureSettings = readReferenceJson<{ settings: Record<string, Settings> }>(
  `${fixtures}operations.json`,
).settings;

/** A case of this package's own fixtures, see `scripts/make-fixtures.py`. */
function readFixture(name: string): Case {
  const own = [...fixtureTensors].filter(([key]) => key.startsWith(`${name}/`));
  const tensors = new Map(own.map(([key, value]) => [key.slice(name.length + 1), value]));
  return { tensors, settings: fixtureSettings[name] };
}

const folder = referenceData();

/** A case of the reference data, larger and made by others. */
function readReference(name: string): Case {
  const path = `${folder}/golden/layers/${name}`;
  return {
    tensors: readReferenceTensors(`${path}.safetensors`),
    settings: readReferenceJson<Settings>(`${path}.json`),
  };
}

/** The worst difference measured is 7.4e-7: a gradient of logits of size 1e4. The others stay below 5e-7. */
const TOLERANCE = { absolute: 1e-6, relative: 1e-6 };

describeOnBackends('operations against PyTorch', () => {
  it('has an operation for each fixture', () => {
    expect(Object.keys(fixtureSettings).sort()).toEqual(Object.keys(operations).sort());
  });

  for (const [name, operation] of Object.entries(operations)) {
    it(`${name} and its gradients`, () => checkOperation(operation, readFixture(name)));

    if (name === 'attention_fewer_queries') continue; // in our fixtures only
    it.skipIf(folder === undefined)(
      `${name} and its gradients, reference data ${folder ? '' : NEEDS_REFERENCE_DATA}`,
      () => checkOperation(operation, readReference(name)),
    );
  }

  it('attention in two steps, with the weights between them', () => checkTwoSteps(readFixture));

  it.skipIf(folder === undefined)(
    `attention in two steps, reference data ${folder ? '' : NEEDS_REFERENCE_DATA}`,
    () => checkTwoSteps(readReference),
  );
});

async function checkTwoSteps(read: (name: string) => Case): Promise<void> {
  const causal = read('attention_causal');
  const twoSteps: Operation = ({ q, k, v }) =>
    tidy(() => attend(attentionWeights(heads(q), heads(k), { causal: true }), heads(v)));
  await checkOperation(twoSteps, causal);
  const [q, k] = ['in.q', 'in.k'].map((name) => fromHost(causal.tensors.get(name)!) as Tensor4D);
  const weights = attentionWeights(q, k, { causal: true });
  await expectClose(weights, causal.tensors.get('probs')!, TOLERANCE);
  dispose([q, k, weights]);
}

/** Checks `out` and the gradients of `sum(out · cotangent)`, and that nothing leaks. */
async function checkOperation(operation: Operation, { tensors: golden, settings }: Case): Promise<void> {
  const before = memory().numTensors;
  const inputs: Inputs = {};
  const differentiated = new Map<string, ReturnType<typeof parameter>>();
  for (const [name, value] of golden) {
    const [kind, short] = name.split(/\.(.*)/);
    if (kind !== 'in' && kind !== 'param') continue;
    const made = parameter(fromHost(value));
    inputs[short] = made;
    if (golden.has(`grad.${name}`)) differentiated.set(name, made);
  }
  const cotangent = fromHost(golden.get('cotangent')!);

  const out = operation(inputs, settings);
  await expectClose(out, golden.get('out')!, TOLERANCE, 'out');

  expect(differentiated.size).toBeGreaterThan(0);
  const { value, grads } = valueAndGrads(
    () => sum(mul(operation(inputs, settings), cotangent)) as Scalar,
    differentiated,
  );
  for (const name of differentiated.keys()) {
    await expectClose(grads.get(name)!, golden.get(`grad.${name}`)!, TOLERANCE, name);
  }

  dispose([out, value, cotangent, ...grads.values(), ...Object.values(inputs)]);
  expect(memory().numTensors).toBe(before);
}
