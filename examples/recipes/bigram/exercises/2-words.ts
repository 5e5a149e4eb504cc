/**
 * Exercise 2: words instead of characters.
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/bigram/exercises/2-words.ts [FILE]
 *
 * A loss in nats per token depends on how much text a token covers: one word costs more nats than one letter and says more.
 * Divided by the bytes that were predicted, both are bits per byte, and can be compared. `<UNK>` spoils it again: to guess
 * "some rare word" is not to guess which, and that price is missing from the loss of the words.
 * Moby Dick: 2.462 nats a character and 4.442 nats a word, that is 3.483 and 1.553 bits per byte.
 */
import { normalizeNewlines, splitText, tokenize } from '@minigpt/data';
import { readMobyDick, readText } from '@minigpt/data/node';
import { characterTokenizer, wordTokenizer } from '@minigpt/tokenizers';
import { countPairs } from '../count-pairs.ts';

const file = process.argv[2];
const text = normalizeNewlines(file === undefined ? await readMobyDick() : await readText(file));
const { train, validation } = splitText(text);
const bytes = new TextEncoder().encode(validation).length;

for (const [name, tokenizer] of [
  ['characters', characterTokenizer.train(text)],
  ['2,000 words', wordTokenizer.train(text, { vocabSize: 2_000 })],
] as const) {
  const held = tokenize(tokenizer, validation);
  const loss = countPairs(tokenize(tokenizer, train), tokenizer.vocabSize, 0.05).loss(held);
  const bitsPerByte = (loss * held.length) / Math.LN2 / bytes;
  console.log(`${name}: ${loss.toFixed(3)} nats per token, ${bitsPerByte.toFixed(3)} bits per byte`);
}
