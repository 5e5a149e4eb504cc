/**
 * Exercise 3: which blocks does the answer need?
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/anatomy/exercises/3-blocks.ts [MODEL]
 *
 * A block only adds to the residual stream, so it is taken out by making what it adds zero. SmolLM2, asked for the capital of
 * Italy: without block 0, 1 or 8 it says nothing sensible, as the others have never seen a stream that these did not prepare, and
 * without the last, the stream is not turned into words. Of the others each can go. The likeliest token is then mostly "The",
 * which was second by a hair and leads to Rome: they all have a share in the work, and none has all of it.
 */
import { layerPaths, patch } from '@minigpt/inspect';
import { logSoftmax } from '@minigpt/sampling';
import { zerosLike } from '@tensorflow/tfjs-core';
import { subject } from './common.ts';

const { model, tokenizer, promptIds } = await subject(process.argv[2]);
const layers = layerPaths(model);

/** The log-probabilities of the token after the prompt, with some activations edited: `[V]`. */
async function last(edits: Parameters<typeof patch>[2]): Promise<Float32Array> {
  const { data } = await patch(model, [promptIds], edits); // [1, T, V]
  return logSoftmax(Float32Array.from(data.subarray(-model.vocabSize)));
}

const whole = await last({});
const answer = whole.indexOf(whole.reduce((most, value) => Math.max(most, value)));
const share = (logProbability: number) => `${(100 * Math.exp(logProbability)).toFixed(2)} %`;
console.log(`whole: ${JSON.stringify(tokenizer.decode([answer]))} ${share(whole[answer]!)}`);
for (const [layer, { attnOut, mlpOut }] of layers.entries()) {
  const without = await last({ [attnOut]: zerosLike, [mlpOut]: zerosLike });
  const now = without.indexOf(without.reduce((most, value) => Math.max(most, value)));
  console.log(
    `without block ${layer}: ${share(without[answer]!)}, likeliest ${JSON.stringify(tokenizer.decode([now]))}`,
  );
}
