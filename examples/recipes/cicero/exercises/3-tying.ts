/**
 * Exercise 3: the output layer is the token embedding.
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/cicero/exercises/3-tying.ts
 *
 * To say "the next token is x" and to hear "this token is x" can use the same vector (Press & Wolf 2017). With characters it
 * saves a few thousand numbers; with cl100k_base it saves nearly half of the model. GPT-2 has it, and so has `GPT` of
 * `@minigpt/models` (`tieWordEmbeddings`), whose parameters are counted here without making their weights.
 */
import { countParameters, Rng, withoutWeights } from '@minigpt/core';
import { GPT } from '@minigpt/models';

const models = {
  '203 characters': { vocabSize: 203, blockSize: 32, nEmbd: 64, nHead: 4, nLayer: 4 },
  cl100k_base: { vocabSize: 100_277, blockSize: 64, nEmbd: 128, nHead: 16, nLayer: 8 },
};
for (const [name, options] of Object.entries(models)) {
  const count = (tieWordEmbeddings: boolean) =>
    withoutWeights(() => countParameters(new GPT({ ...options, tieWordEmbeddings, rng: new Rng(0) })));
  const [tied, untied] = [count(true), count(false)];
  console.log(
    `${name}: ${untied} parameters, ${tied} tied (${Math.round(100 * (1 - tied / untied))} % fewer)`,
  );
}
