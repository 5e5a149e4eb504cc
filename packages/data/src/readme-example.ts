import { Rng } from '@minigpt/core';
import { batches, splitTokens, tokenize, windows } from '@minigpt/data';

const bytes = { vocabSize: 256, encode: (text: string) => new TextEncoder().encode(text) };
const tokens = tokenize(bytes, 'Call me Ishmael. '.repeat(20));
const { train, validation } = splitTokens(tokens);
const batch = batches({ tokens: train, blockSize: 8, batchSize: 4, rng: new Rng(1337) });
console.log(batch(0).inputs, batch(0).targets); // two Int32Array of 4 × 8 ids, the second one token ahead
for (const { shape } of windows({ tokens: validation, blockSize: 8, batchSize: 4 })) console.log(shape);
