/**
 * Exercise 3: what to add to each count.
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/bigram/exercises/3-smoothing.ts [FILE]
 *
 * With 0, a pair that the training text lacks is impossible, and one such pair in the held-out text makes the loss infinite.
 * Much more than 0 takes probability from what does occur. Moby Dick: from 0.001 to 0.1 it hardly matters (2.462), 1 costs 0.004
 * nats, 100 costs 0.18.
 */
import { normalizeNewlines, splitTokens, tokenize } from '@minigpt/data';
import { readMobyDick, readText } from '@minigpt/data/node';
import { characterTokenizer } from '@minigpt/tokenizers';
import { countPairs } from '../count-pairs.ts';

const file = process.argv[2];
const text = normalizeNewlines(file === undefined ? await readMobyDick() : await readText(file));
const tokenizer = characterTokenizer.train(text);
const { train, validation } = splitTokens(tokenize(tokenizer, text));

for (const added of [0, 0.001, 0.01, 0.1, 0.5, 1, 10, 100]) {
  console.log(`add ${added}: ${countPairs(train, tokenizer.vocabSize, added).loss(validation).toFixed(4)}`);
}
