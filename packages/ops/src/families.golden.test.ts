import { fromHost, type HostTensor, parameter, toHost, valueAndGrads } from '@minigpt/core';
import { describeOnBackends, expectClose } from '@minigpt/testing';
import {
  NEEDS_REFERENCE_DATA,
  readReferenceJson,
  readReferenceTensors,
  referenceData,
} from '@minigpt/testing/reference';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import {
  type AttentionOptions,
  alibiBias,
  alibiSlopes,
  attend,
  attention,
  attentionMask,
  attentionWeights,
  geglu,
  linear,
  loadBalancingLoss,
  type RopeScaling,
  rmsNorm,
  rope,
  ropeFrequencies,
  ropeTables,
  routingWeights,
  swiglu,
} from './index.ts';

interface Settings {
  readonly scale?: number;
  readonly window?: number;
  readonly softcap?: number;
  readonly sink_tokens?: number;
  readonly slopes?: readonly number[];
  readonly eps?: number;
  readonly top_k?: number;
  readonly positions: readonly number[];
  readonly rotary_dim: number;
  readonly max_position_embeddings: number;
  readonly attention_scaling: number;
  readonly rope_parameters: Record<string, number> & { readonly rope_type: string };
}

type Inputs = Record<string, tf.Tensor>;
type Operation = (inputs: Inputs, settings: Settings) => tf.Tensor;

const four = (x: tf.Tensor) => x as tf.Tensor4D;
const two = (x: tf.Tensor) => x as tf.Tensor2D;
const columns = (count: number) => Int32Array.from({ length: count }, (_, i) => i);

function attentionOptions(inputs: Inputs, settings: Settings): AttentionOptions {
  const all = columns(inputs.q.shape[2] as number);
  const { scale, window, softcap, sink_tokens: sinkTokens, slopes } = settings;
  const sinks = inputs.sinks as tf.Tensor1D | undefined;
  const causal = { causal: true, scale, softcap, sinks };
  if (slopes !== undefined) return { ...causal, mask: alibiBias(slopes, all, all) };
  if (sinkTokens !== undefined) return { scale, mask: attentionMask(all, all, { window, sinkTokens }) };
  if (inputs.key_mask !== undefined) {
    const seen = inputs.key_mask.arraySync() as number[][];
    const padding = seen.map((row) => row.indexOf(1));
    return { scale, mask: attentionMask(all, all, { padding }) };
  }
  return { ...causal, window };
}

const fused: Operation = (inputs, settings) =>
  tf.tidy(() => {
    const { q, k, v } = inputs;
    return attention(four(q), four(k), four(v), attentionOptions(inputs, settings));
  });

const inTwoSteps: Operation = (inputs, settings) =>
  tf.tidy(() => {
    const { q, k, v } = inputs;
    return attend(attentionWeights(four(q), four(k), attentionOptions(inputs, settings)), four(v));
  });

function scalingOf({ rope_type: type, ...values }: Settings['rope_parameters']): RopeScaling {
  const { factor, original_max_position_embeddings: originalLength } = values;
  switch (type) {
    case 'linear':
    case 'dynamic':
      return { type, factor };
    case 'yarn': {
      const { beta_fast: betaFast, beta_slow: betaSlow, attention_factor: attentionFactor } = values;
      return { type, factor, originalLength, betaFast, betaSlow, attentionFactor };
    }
    case 'llama3': {
      const { low_freq_factor: lowFreqFactor, high_freq_factor: highFreqFactor } = values;
      return { type, factor, originalLength, lowFreqFactor, highFreqFactor };
    }
    default:
      return { type: 'default' };
  }
}

const frequenciesOf = ({ rope_parameters, rotary_dim, max_position_embeddings, positions }: Settings) =>
  ropeFrequencies({
    rotaryDim: rotary_dim,
    theta: rope_parameters.rope_theta,
    scaling: scalingOf(rope_parameters),
    maxLength: max_position_embeddings,
    length: Math.max(...positions) + 1,
  });

function rotated(layout: 'half' | 'interleaved'): Operation {
  return ({ x }, settings) =>
    tf.tidy(() => {
      const tables = ropeTables(settings.positions, frequenciesOf(settings));
      const shape: [number, number] = [settings.positions.length, settings.rotary_dim / 2];
      return rope(four(x), tf.tensor2d(tables.cos, shape), tf.tensor2d(tables.sin, shape), { layout });
    });
}

const gatedMLP =
  (gated: (gate: tf.Tensor, up: tf.Tensor) => tf.Tensor): Operation =>
  ({ x, gate, up, down }) =>
    tf.tidy(() => linear(gated(linear(x, two(gate)), linear(x, two(up))), two(down)));

const rows = (x: tf.Tensor) => tf.reshape(x, [-1, x.shape.at(-1)!]) as tf.Tensor2D;

const mixture: Operation = ({ x, router, ...experts }, { top_k: topK = 2 }) =>
  tf.tidy(() => {
    const tokens = rows(x);
    const weights = tf.split(routingWeights(linear(tokens, two(router)), topK), router.shape[0], -1);
    const said = weights.map((weight, e) => {
      const [w1, w2, w3] = ['w1', 'w2', 'w3'].map((name) => two(experts[`experts_${e}_${name}`]));
      return tf.mul(linear(swiglu(linear(tokens, w1), linear(tokens, w3)), w2), weight);
    });
    return tf.reshape(
      said.reduce((sum, one) => tf.add(sum, one)),
      x.shape,
    );
  });

const alike = (names: readonly string[], operation: Operation) =>
  names.map((name) => [name, operation] as const);

const attentions = [
  'attention_alibi_4',
  'attention_alibi_6',
  'attention_gqa',
  'attention_mqa',
  'attention_learned_sinks',
  'attention_left_padded',
  'attention_sliding_1',
  'attention_sliding_3',
  'attention_softcap',
  'attention_streaming_sinks',
];
const ropes = [
  'rope_half',
  'rope_half_offset',
  'rope_partial_half',
  'rope_linear',
  'rope_dynamic_ntk',
  'rope_dynamic_ntk_short',
  'rope_yarn',
  'rope_yarn_options',
  'rope_llama3',
];
const operations = new Map<string, Operation>([
  ...alike(attentions, fused),
  ...alike(ropes, rotated('half')),
  ...alike(['rope_interleaved', 'rope_interleaved_offset'], rotated('interleaved')),
  ['swiglu_mlp', gatedMLP(swiglu)],
  ['geglu_mlp', gatedMLP(geglu)],
  [
    'rmsnorm_gemma',
    ({ x, weight }, { eps }) => tf.tidy(() => rmsNorm(x, tf.add(weight, 1) as tf.Tensor1D, { eps })),
  ],
  ['moe_mixtral', mixture],
]);

const folder = referenceData();
const title = (what: string) => `${what} ${folder ? '' : NEEDS_REFERENCE_DATA}`;
const TOLERANCE = { absolute: 2e-6, relative: 2e-6 };

const read = (name: string) => ({
  tensors: readReferenceTensors(`${folder}/golden/layers/${name}.safetensors`),
  settings: readReferenceJson<Settings>(`${folder}/golden/layers/${name}.json`),
});

describeOnBackends('operations of the published families against PyTorch', () => {
  for (const [name, operation] of operations) {
    it.skipIf(folder === undefined)(title(`${name} and its gradients`), async () => {
      const { tensors, settings } = read(name);
      await check(operation, settings, tensors, {
        out: 'out',
        prefix: 'grad.',
        cotangent: tensors.get('cotangent'),
      });
    });
  }

  for (const name of attentions) {
    it.skipIf(folder === undefined)(
      title(`${name} in two steps, with the weights between them`),
      async () => {
        const { tensors, settings } = read(name);
        await check(inTwoSteps, settings, tensors, {
          out: 'out',
          prefix: 'grad.',
          cotangent: tensors.get('cotangent'),
        });
        const probabilities = tensors.get('probs');
        if (probabilities === undefined) return; // the padded case has none
        const made = tf.tidy(() => {
          const inputs = inputsOf(tensors);
          return attentionWeights(four(inputs.q), four(inputs.k), attentionOptions(inputs, settings));
        });
        await expectClose(made, probabilities, TOLERANCE, 'weights');
        made.dispose();
      },
    );
  }

  it.skipIf(folder === undefined)(title('the balancing loss and its gradients'), async () => {
    const { tensors, settings } = read('moe_mixtral');
    const loss: Operation = ({ x, router }) =>
      tf.tidy(() => {
        const [first, second] = tf.split(rows(x), 2); // two tensors, as of two layers
        return loadBalancingLoss(
          [first, second].map((part) => linear(part, two(router)) as tf.Tensor2D),
          2,
        );
      });
    await check(loss, settings, tensors, { out: 'aux_loss', prefix: 'aux_loss.grad.' });
  });
});

it.skipIf(folder === undefined)(title('frequencies and tables of every scaling'), async () => {
  for (const name of [...ropes, 'rope_interleaved']) {
    const { tensors, settings } = read(name);
    const frequencies = frequenciesOf(settings);
    const expected = tensors.get('inv_freq')!.data;
    frequencies.invFreq.forEach((value, i) => {
      expect(Math.abs(value / expected[i] - 1), `${name}: frequency ${i}`).toBeLessThan(1.3e-7);
    });
    expect(frequencies.attentionScaling).toBeCloseTo(settings.attention_scaling, 14);
    const tables = ropeTables(settings.positions, frequencies);
    for (const table of ['cos', 'sin'] as const) {
      const { shape } = tensors.get(table)!;
      await expectClose(
        { dtype: 'float32', shape, data: tables[table] },
        tensors.get(table)!,
        { absolute: 2e-6 },
        `${name} ${table}`,
      );
    }
  }
});

it.skipIf(folder === undefined)(title('slopes of ALiBi'), () => {
  for (const name of ['attention_alibi_4', 'attention_alibi_6']) {
    const { slopes = [] } = read(name).settings;
    expect(alibiSlopes(slopes.length)).toEqual(slopes);
  }
});

/** `in.*` and `param.*` by their last name. */
function inputsOf(tensors: ReadonlyMap<string, HostTensor>): Inputs {
  const inputs = [...tensors].filter(([name]) => /^(in|param)\./.test(name));
  return Object.fromEntries(
    inputs.map(([name, value]) => [name.slice(name.indexOf('.') + 1), fromHost(value)]),
  );
}

/** Checks the output, all gradients of `sum(out · cotangent)`, and that nothing leaks. */
async function check(
  operation: Operation,
  settings: Settings,
  tensors: ReadonlyMap<string, HostTensor>,
  { out: outName, prefix, cotangent }: { out: string; prefix: string; cotangent?: HostTensor },
): Promise<void> {
  const before = tf.memory().numTensors;
  const differentiated = new Map<string, ReturnType<typeof parameter>>();
  const inputs: Inputs = {};
  for (const [short, value] of Object.entries(inputsOf(tensors))) {
    const name = tensors.has(`in.${short}`) ? `in.${short}` : `param.${short}`;
    inputs[short] = value.dtype === 'float32' ? parameter(value) : value;
    if (tensors.has(prefix + name)) differentiated.set(name, inputs[short] as ReturnType<typeof parameter>);
  }
  const keyMask = tensors.get('in.key_mask');
  const real = (value: HostTensor) => (keyMask === undefined ? value : withoutPadding(value, keyMask));
  const out = operation(inputs, settings);
  await expectClose(real(await toHost(out)), tensors.get(outName)!, TOLERANCE, 'out');

  const weights = cotangent && fromHost(real(cotangent));
  const { value, grads } = valueAndGrads(() => {
    const made = operation(inputs, settings);
    return (weights ? tf.sum(tf.mul(made, weights)) : made) as tf.Scalar;
  }, differentiated);
  expect([...grads.keys()]).toEqual([...differentiated.keys()]);
  for (const [name, gradient] of grads)
    await expectClose(gradient, tensors.get(prefix + name)!, TOLERANCE, name);
  tf.dispose([out, value, ...grads.values(), ...Object.values(inputs), ...(weights ? [weights] : [])]);
  expect(tf.memory().numTensors).toBe(before);
}

/** Outputs of padding mean nothing: 0 in the reference, and no gradient comes from there. */
function withoutPadding(cotangent: HostTensor, keyMask: HostTensor): HostTensor {
  const [, heads, t, width] = cotangent.shape;
  const seen = (index: number) => {
    const row = Math.floor(index / (heads * t * width));
    return keyMask.data[row * t + (Math.floor(index / width) % t)];
  };
  return {
    ...cotangent,
    data: cotangent.data.map((value: number, index: number) => value * seen(index)) as Float32Array,
  };
}
