import '@tensorflow/tfjs-backend-cpu';
import { Rng } from '@minigpt/core';
import { patch, tap, zeroHeads } from '@minigpt/inspect';
import { GPT } from '@minigpt/models';

const model = new GPT({ vocabSize: 65, blockSize: 16, nLayer: 2, nHead: 4, nEmbd: 32, rng: new Rng(0) });
const ids = [3, 1, 4, 1, 5];
const seen = await tap(model, ids, 'transformer.h.*.attn.attention');
const { shape, data } = await patch(model, ids, { 'transformer.h.0.attn.z': zeroHeads(2) });
console.log([...seen.keys()], shape, data);
