import { testModel } from '@minigpt/testing';
import { Bigram, GPT, MLPLanguageModel, modelFromConfig } from './index.ts';

const options = { fromConfig: modelFromConfig };
const small = { vocabSize: 7, blockSize: 5, nLayer: 2, nHead: 2, nEmbd: 8, initializerRange: 0.3 };

testModel('Bigram', (rng) => new Bigram({ vocabSize: 7, blockSize: 5, rng }), options);
testModel(
  'MLPLanguageModel',
  (rng) => new MLPLanguageModel({ vocabSize: 7, blockSize: 5, nEmbd: 3, nHidden: 6, rng }),
  options,
);
testModel('GPT', (rng) => new GPT({ ...small, dropout: 0.2, rng }), options);
testModel(
  'GPT, untied, without biases',
  (rng) => new GPT({ ...small, bias: false, tieWordEmbeddings: false, rng }),
  options,
);
