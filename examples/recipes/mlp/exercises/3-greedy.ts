/**
 * Exercise 3: the likeliest token every time.
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/mlp/exercises/3-greedy.ts [FILE] [STEPS]
 *
 * The greedy text says the same things again ("a look", "a what"), since the likeliest token after a common phrase tends to lead
 * to the next common phrase; the drawn one wanders more widely. Should the last 32 tokens ever be the same as some time before,
 * everything after them is the same as well, a circle for good: the model knows nothing else. Drawing at random leaves it.
 */
import { selectBackend } from '@minigpt/backends';
import { Rng } from '@minigpt/core';
import { generateText } from '@minigpt/sampling';
import { selectModelData, trained } from './common.ts';

await selectBackend();
const data = await selectModelData(process.argv[2]);
const { model } = await trained(data, { steps: Number(process.argv[3] ?? 1_000) });
for (const options of [{ temperature: 0 }, { topK: 5, rng: new Rng(1) }]) {
  console.log(options.temperature === 0 ? '--- greedy' : '--- top-5');
  let text = '';
  for await (const piece of generateText(model, data.tokenizer, 'The ', { maxNewTokens: 150, ...options }))
    text += piece.text;
  console.log(text);
}
