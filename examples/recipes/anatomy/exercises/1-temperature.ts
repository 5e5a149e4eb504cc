/**
 * Exercise 1: temperature.
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/anatomy/exercises/1-temperature.ts [MODEL]
 *
 * Dividing the logits by T < 1 makes what is likely likelier, T > 1 evens out. SmolLM2 asked for the capital of Italy: at 0.5
 * 4 tokens share 90 %, at 1 there are 74, at 2 there are 8,156. Each of these is unlikely, but that one of them comes is nearly
 * certain, and then the answer falls apart. At 0.5 and 1 most answers say Rome, which the likeliest token each time does not.
 */
import { Rng } from '@minigpt/core';
import { logSoftmax, Session, temperature } from '@minigpt/sampling';
import { said, subject } from './common.ts';

const asked = await subject(process.argv[2]);
const session = new Session(asked.model);
const [logits] = await session.nextLogits([asked.promptIds]); // [V]
session.dispose();

for (const t of [0.5, 1, 2]) {
  const sorted = logSoftmax(temperature(t)(logits!)).sort().reverse(); // [V]
  let needed = 0;
  for (let mass = 0; mass < 0.9; needed++) mass += Math.exp(sorted[needed]!);
  console.log(`temperature ${t}: ${needed} tokens share 90 %`);
  for (const seed of [1, 2, 3]) {
    console.log(`  ${await said(asked, asked.promptIds, { temperature: t, rng: new Rng(seed) })}`);
  }
}
