import { testLayer } from '@minigpt/testing';
import { GatedMLP, GroupedQueryAttention, RMSNorm, RotaryEmbedding } from './index.ts';

const kept = { input: [2, 3, 8], output: [2, 3, 8] };
const rotary = new RotaryEmbedding({ rotaryDim: 4, maxLength: 16 });

testLayer('RMSNorm around one', () => new RMSNorm({ size: 8, unitOffset: true }), kept);
testLayer(
  'GroupedQueryAttention',
  (rng) => new GroupedQueryAttention({ hiddenSize: 8, numHeads: 2, numKeyValueHeads: 1, rotary, rng }),
  kept,
);
testLayer(
  'GroupedQueryAttention with everything',
  (rng) =>
    new GroupedQueryAttention({
      hiddenSize: 8,
      numHeads: 2,
      headDim: 4,
      rotary,
      qkvBias: true,
      outputBias: true,
      window: 2,
      scale: 0.3,
      softcap: 5,
      dropout: 0.3,
      rng,
    }),
  { ...kept, step: 2 ** -4 }, // the sums are long: rounding weighs more than the step
);
testLayer('GatedMLP', (rng) => new GatedMLP({ hiddenSize: 8, intermediateSize: 6, rng }), kept);
testLayer(
  'GatedMLP with biases and another activation',
  (rng) => new GatedMLP({ hiddenSize: 8, intermediateSize: 6, activation: 'tanh', bias: true, rng }),
  kept,
);
