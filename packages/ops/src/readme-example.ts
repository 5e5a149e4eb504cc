import '@tensorflow/tfjs-backend-cpu';
import { attention, rmsNorm } from '@minigpt/ops';
import { ones, randomNormal, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';

const heads = () => randomNormal([2, 4, 8, 16]) as Tensor4D; // [B, H, T, D]
const mixed = attention(heads(), heads(), heads(), { causal: true }); // softmax(q kᵀ / √D + mask) v
const normed = rmsNorm(mixed, ones([16]) as Tensor1D); // x / √(mean(x²) + ε) · weight
console.log(normed.shape); // [2, 4, 8, 16]
