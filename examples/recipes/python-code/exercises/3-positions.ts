/**
 * Exercise 3: which tokens are easy?
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/python-code/exercises/3-positions.ts [FOLDER] [STEPS]
 *
 * At the first position the model sees one token and guesses like a bigram. After 400 steps a second and a third token help (4.49 nats,
 * 4.27, 4.20 after four), and what is further back not yet: so short a training finds what stands next to each other first. White
 * space is easiest (2.23), since indentation follows from the line before; signs take 4.16; names are hardest (4.58), since a name
 * can be anything when it comes first.
 */
import { selectBackend } from '@minigpt/backends';
import { dispose, Rng } from '@minigpt/core';
import { shuffledBatches, windows } from '@minigpt/data';
import { logSoftmax, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { batchSize, blockSize, trained, withShards } from './common.ts';

await selectBackend();
const steps = Number(process.argv[3] ?? 400);
await withShards(process.argv[2], async (shards, tokenizer) => {
  const cut = Math.floor(0.9 * shards.length);
  const model = await trained(
    tokenizer.vocabSize,
    shuffledBatches({ tokens: shards.part(0, cut), blockSize, batchSize, rng: new Rng(1) }),
    steps,
  );
  const sums = new Map<string, { nats: number; count: number }>();
  const note = (name: string, nats: number) => {
    const sum = sums.get(name) ?? { nats: 0, count: 0 };
    sums.set(name, { nats: sum.nats + nats, count: sum.count + 1 });
  };
  const tokens = shards.part(cut, Math.min(shards.length, cut + 8000));
  for (const { inputs, targets, shape } of windows({ tokens, blockSize, batchSize })) {
    const logProbabilities = tidy(() =>
      logSoftmax(model.call(tensor2d(inputs, [...shape], 'int32'))).dataSync(),
    ); // [B, T, V]
    for (const [i, id] of targets.entries()) {
      const nats = -logProbabilities[i * tokenizer.vocabSize + id]!;
      const position = i % shape[1];
      if ([0, 1, 3, 7, 15, 31].includes(position)) note(`after ${position + 1} tokens`, nats);
      note(kindOf(tokenizer.decode([id])), nats);
    }
  }
  for (const [name, { nats, count }] of [...sums].sort(([a], [b]) =>
    a.localeCompare(b, 'en', { numeric: true }),
  ))
    console.log(`${name}: ${(nats / count).toFixed(3)} nats a token, ${count} tokens`);
  dispose(model);
});

function kindOf(token: string): string {
  if (token.trim() === '') return 'white space';
  return /\w/.test(token) ? 'names, words and numbers' : 'signs';
}
