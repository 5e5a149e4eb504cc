/**
 * Exercise 1: how much of the context does the model use?
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/mlp/exercises/1-context.ts [FILE] [STEPS]
 *
 * More context helps, but less and less: each further token is one more matrix of the hidden layer to learn, and the first
 * few tokens before the target say most. A Transformer shares its matrices among all positions, which is why it can look far.
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
