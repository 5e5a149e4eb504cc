/**
 * Exercise 1: without positions.
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/cicero/exercises/1-positions.ts [FILE] [STEPS]
 *
 * Attention by itself is blind to order: it averages over a set. What is left is the mask: position t averages over t + 1
 * characters, so that a head that weighs all alike leaves a trace of how many there are. The model can build a weak notion of
 * order from that (Haviv et al. 2022), and early on that is even the quicker way. Letters to Atticus, with and without positions:
 * 2.521 and 2.452 after 200 steps, 2.286 and 2.308 after 500, 1.900 and 2.002 after 1,500. What the 2,048 numbers cost is soon
 * made up for.
 */
import { selectBackend } from '@minigpt/backends';
import { freeze } from '@minigpt/core';
import { zerosLike } from '@tensorflow/tfjs-core';
import { LetterModel } from '../letter-model.ts';
import { corpus, shape, trainedLoss } from './common.ts';

await selectBackend();
const data = await corpus(process.argv[2]);
const steps = Number(process.argv[3] ?? 500);
for (const positions of [true, false]) {
  const model = new LetterModel({ ...shape, vocabSize: data.vocabSize });
  if (!positions) {
    model.pos.weight.assign(zerosLike(model.pos.weight));
    freeze(model.pos);
  }
  console.log(
    `${positions ? 'with' : 'without'} positions: ${(await trainedLoss(model, data, steps)).toFixed(3)}`,
  );
}
