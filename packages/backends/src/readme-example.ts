import { selectBackend } from '@minigpt/backends';
import { square, sum, tensor1d } from '@tensorflow/tfjs-core';

const { name, description, reason } = await selectBackend(); // node, else wasm, else cpu
console.log(`${name}: ${description}; ${reason}`);
console.log(await sum(square(tensor1d([1, 2, 3]))).data()); // [14]
