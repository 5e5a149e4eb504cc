import '@tensorflow/tfjs-backend-cpu';
import { countParameters, Rng } from '@minigpt/core';
import { CausalSelfAttention, LayerNorm } from '@minigpt/layers';
import { add, randomNormal } from '@tensorflow/tfjs-core';

const norm = new LayerNorm({ size: 32 });
const attn = new CausalSelfAttention({ nEmbd: 32, nHead: 4, rng: new Rng(1337) });
const x = randomNormal([2, 16, 32]); // [B, T, C]
const y = add(x, attn.call(norm.call(x)));
console.log(y.shape, countParameters(attn)); // [2, 16, 32] 4224
