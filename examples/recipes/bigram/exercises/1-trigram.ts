/**
 * Exercise 1: two characters instead of one.
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/bigram/exercises/1-trigram.ts [FILE]
 *
 * The best table needs no gradient descent, so we count: row (i, j) of a table [V², V] says what follows i and then j.
 */
import { normalizeNewlines, splitTokens, tokenize } from '@minigpt/data';
import { readMobyDick, readText } from '@minigpt/data/node';
import { characterTokenizer } from '@minigpt/tokenizers';

const file = process.argv[2];
const text = normalizeNewlines(file === undefined ? await readMobyDick() : await readText(file));
const tokenizer = characterTokenizer.train(text);
const V = tokenizer.vocabSize;
const { train, validation } = splitTokens(tokenize(tokenizer, text));

const added = 0.01;
const counts = new Float64Array(V ** 3);
const seen = new Float64Array(V ** 2);
for (let i = 2; i < train.length; i++) {
  const row = train[i - 2]! * V + train[i - 1]!;
  counts[row * V + train[i]!]! += 1;
  seen[row]! += 1;
}

let nats = 0;
for (let i = 2; i < validation.length; i++) {
  const row = validation[i - 2]! * V + validation[i - 1]!;
  nats -= Math.log((counts[row * V + validation[i]!]! + added) / (seen[row]! + V * added));
}
const touched = seen.filter((count) => count > 0).length;
console.log(`loss ${(nats / (validation.length - 2)).toFixed(3)} nats per character`);
console.log(
  `${touched} of ${V ** 2} rows occur in the training text (${((100 * touched) / V ** 2).toFixed(0)} %)`,
);
// Moby Dick: 2.01 instead of 2.46, and three rows in four never occur. With three characters it would be worse still:
// a table cannot know that two contexts are alike. The next recipe gives each token a vector, so that it can.
