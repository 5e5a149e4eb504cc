import '@tensorflow/tfjs-backend-cpu';
import { loadModel, saveCheckpoint } from '@minigpt/checkpoints/node';
import { Rng, stateDict } from '@minigpt/core';
import { Bigram } from '@minigpt/models';

const model = new Bigram({ vocabSize: 65, rng: new Rng(0) });
await saveCheckpoint('out/bigram', { config: model.toConfig(), weights: await stateDict(model) });
const loaded = await loadModel('out/bigram'); // the same weights again, on the current backend
console.log(loaded.model.vocabSize);
