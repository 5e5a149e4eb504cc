import { testLayer } from '@minigpt/testing';
import { CausalSelfAttention, Conv1D, Dropout, Embedding, LayerNorm, Linear, MLP, RMSNorm } from './index.ts';

const kept = { input: [2, 3, 6], output: [2, 3, 6] };
const widened = { input: [2, 3, 6], output: [2, 3, 5] };

testLayer('Linear', (rng) => new Linear({ inFeatures: 6, outFeatures: 5, rng }), widened);
testLayer(
  'Linear without bias',
  (rng) => new Linear({ inFeatures: 6, outFeatures: 5, bias: false, rng }),
  widened,
);
testLayer('Conv1D', (rng) => new Conv1D({ inFeatures: 6, outFeatures: 5, rng }), widened);
testLayer('Embedding', (rng) => new Embedding({ numEmbeddings: 7, embeddingDim: 5, rng }), {
  input: [2, 4],
  output: [2, 4, 5],
  vocabSize: 7,
});
testLayer('LayerNorm', () => new LayerNorm({ size: 6 }), kept);
testLayer('LayerNorm without bias', () => new LayerNorm({ size: 6, bias: false }), kept);
testLayer('RMSNorm', () => new RMSNorm({ size: 6 }), kept);
testLayer('Dropout', () => new Dropout({ rate: 0.4 }), kept);
testLayer('CausalSelfAttention', (rng) => new CausalSelfAttention({ nEmbd: 6, nHead: 2, rng }), kept);
testLayer(
  'CausalSelfAttention with dropout',
  (rng) =>
    new CausalSelfAttention({ nEmbd: 6, nHead: 3, bias: false, attnDropout: 0.3, residDropout: 0.3, rng }),
  kept,
);
testLayer('MLP', (rng) => new MLP({ nEmbd: 6, dropout: 0.2, rng }), kept);
