/**
 * Exercise 1: how much of the context does the model use?
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/mlp/exercises/1-context.ts [FILE] [STEPS]
 *
 * The nearest tokens say most. TinyStories after 1,000 steps: a test loss of 3.328 with 2 tokens, 3.320 with 4, 3.416 with 8, 3.561
 * with 16, 3.751 with 32. Each further token is one more matrix of the hidden layer to learn, from places that say less and less, and
 * the 32 of the recipe need ten times as many steps to get where 4 are by then. A Transformer shares its matrices among all
 * positions, which is why it can look far.
 */
import { selectBackend } from '@minigpt/backends';
import { countParameters, dispose } from '@minigpt/core';
import { selectModelData, trained } from './common.ts';

await selectBackend();
const data = await selectModelData(process.argv[2]);
const steps = Number(process.argv[3] ?? 1_000);
for (const blockSize of [2, 4, 8, 16, 32]) {
  const { model, loss } = await trained(data, { blockSize, steps });
  console.log(`context ${blockSize}: ${countParameters(model)} parameters, test loss ${loss.toFixed(3)}`);
  dispose(model);
}
