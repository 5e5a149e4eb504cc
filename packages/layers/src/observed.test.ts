import { Context, fromHost, Module, Rng, toHost } from '@minigpt/core';
import { expectClose, randomNormal, startBackend, testLayer } from '@minigpt/testing';
import { dispose, ones, registerKernel, type Tensor, tidy, unregisterKernel } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  CausalSelfAttention,
  GatedMLP,
  GroupedQueryAttention,
  LayerNorm,
  MLP,
  RMSNorm,
  RotaryEmbedding,
} from './index.ts';

/** A layer whose every activation is seen: it then takes the ways on which there is something to see. */
class Observed extends Module {
  readonly layer: Module;
  readonly paths: string[] = [];

  constructor(layer: Module) {
    super();
    this.layer = layer;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const listening = ctx.at('layer').listen((path) => {
      this.paths.push(path.slice('layer.'.length));
      return undefined;
    });
    return this.layer.call(x, listening);
  }
}

const rotary = new RotaryEmbedding({ rotaryDim: 4, maxLength: 16 });
const attention = ['q', 'k', 'v', 'scores', 'attention', 'z'];

const layers: readonly [name: string, make: (rng: Rng) => Module, sees: readonly string[]][] = [
  ['LayerNorm', () => new LayerNorm({ size: 8 }), ['rstd']],
  ['LayerNorm without a bias', () => new LayerNorm({ size: 8, bias: false }), ['rstd']],
  ['RMSNorm', () => new RMSNorm({ size: 8, unitOffset: true }), ['rstd']],
  ['MLP', (rng) => new MLP({ nEmbd: 8, nInner: 6, rng }), ['hidden']],
  ['GatedMLP', (rng) => new GatedMLP({ hiddenSize: 8, intermediateSize: 6, rng }), ['hidden']],
  ['CausalSelfAttention', (rng) => new CausalSelfAttention({ nEmbd: 8, nHead: 2, rng }), attention],
  [
    'GroupedQueryAttention with a soft cap and a window',
    (rng) =>
      new GroupedQueryAttention({
        hiddenSize: 8,
        numHeads: 2,
        numKeyValueHeads: 1,
        rotary,
        softcap: 2,
        window: 2,
        rng,
      }),
    attention,
  ],
];

for (const [name, make, sees] of layers) {
  const step = name.startsWith('GroupedQuery') ? 2 ** -4 : undefined; // its sums are long: rounding weighs more than the step
  const kept = { input: [2, 3, 8], output: [2, 3, 8], ...(step && { step }) };
  testLayer(`${name}, observed`, (rng) => new Observed(make(rng)), kept);

  it(`${name} gives, observed, what it gives unobserved`, async () => {
    const observed = new Observed(make(new Rng(1)));
    const x = fromHost(randomNormal([2, 3, 8], new Rng(2)));
    const [seen, unseen] = [observed.call(x), observed.layer.call(x)];
    expect(observed.paths).toEqual(expect.arrayContaining([...sees]));
    await expectClose(seen, await toHost(unseen), { absolute: 1e-6 });
    dispose([x, seen, unseen]);
  });
}

describe('a fused kernel', () => {
  const kernels: readonly [kernel: string, make: () => Module, inside: readonly string[]][] = [
    [
      'Attention',
      () => new CausalSelfAttention({ nEmbd: 8, nHead: 2, rng: new Rng(1) }),
      ['scores', 'attention'],
    ],
    ['LayerNorm', () => new LayerNorm({ size: 8 }), ['rstd']],
    ['RMSNorm', () => new RMSNorm({ size: 8 }), ['rstd']],
  ];
  for (const [name, make, inside] of kernels) {
    it(`${name} is run unless somebody looks inside it`, async () => {
      await startBackend('cpu');
      const kernelFunc = () => {
        throw new Error('fused');
      };
      const layer = make();
      const x = ones([1, 3, 8]);
      const run = (path: RegExp) => () =>
        tidy(
          () =>
            void layer.call(
              x,
              Context.evaluation().listen(() => undefined, path),
            ),
        );
      const kernel = { kernelName: `MiniGPT.${name}`, backendName: 'cpu' };
      registerKernel({ ...kernel, kernelFunc });
      try {
        expect(run(/^elsewhere$/)).toThrow('fused');
        expect(run(/^(q|k|v|z|hidden|c_attn)$/)).toThrow('fused');
        for (const path of inside) expect(run(new RegExp(`^${path}$`))).not.toThrow();
      } finally {
        unregisterKernel(kernel.kernelName, kernel.backendName);
      }
    });
  }
});
