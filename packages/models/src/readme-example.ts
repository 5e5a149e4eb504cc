import '@tensorflow/tfjs-backend-cpu';
import { countParameters, Rng } from '@minigpt/core';
import { GPT } from '@minigpt/models';
import { tensor2d } from '@tensorflow/tfjs-core';

const rng = new Rng(1337);
const model = new GPT({ vocabSize: 65, blockSize: 64, nLayer: 4, nHead: 4, nEmbd: 128, rng });
const ids = tensor2d([[18, 47, 56, 57, 58]], [1, 5], 'int32'); // [B, T]
const logits = model.call(ids); // [B, T, V]: what follows each position
console.log(logits.shape, countParameters(model)); // [1, 5, 65] 809856
