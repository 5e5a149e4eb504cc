import '@tensorflow/tfjs-backend-cpu';
import { parameters, Rng } from '@minigpt/core';
import { Bigram } from '@minigpt/models';
import { adamW, constant, train } from '@minigpt/training';

const model = new Bigram({ vocabSize: 3, rng: new Rng(0) });
const optimizer = adamW({ parameters: parameters(model) });
const batch = () => ({ inputs: Int32Array.of(0, 1), targets: Int32Array.of(1, 2), shape: [1, 2] as const });
const run = train({ model, optimizer, batch, schedule: constant(0.1), maxIters: 50 });
for await (const event of run) console.log(event); // { type: 'step', step: 1, loss: 1.1, … }
