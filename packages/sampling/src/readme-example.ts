import '@tensorflow/tfjs-backend-cpu';
import { Rng } from '@minigpt/core';
import { Bigram } from '@minigpt/models';
import { generate } from '@minigpt/sampling';

const model = new Bigram({ vocabSize: 65, rng: new Rng(0) });
const options = { maxNewTokens: 20, temperature: 0.8, topK: 40, topP: 0.95, rng: new Rng(1337) };
for await (const { id, logProbability } of generate(model, [0], options)) console.log(id, logProbability);
