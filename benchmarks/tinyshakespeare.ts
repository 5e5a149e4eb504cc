/**
 * nanoGPT's CPU recipe on tiny Shakespeare, to the letter: what loss does it reach on the whole held-out tenth, and how fast?
 *
 *   pnpm --filter @minigpt/benchmarks tinyshakespeare --data FILE [--backend wasm] [--seeds 1,2,3] [--max-iters 2000]
 *
 * Protocol: 4 layers, 4 heads, width 128, context 64, batch 12, 2,000 steps, learning rate 1e-3 to 1e-4 (cosine, 100 steps
 * of warm-up), AdamW with betas 0.9 and 0.99, weight decay 0.1, no dropout, norm clipped at 1, no biases. The loss is the
 * mean over consecutive windows of 64 characters of the last tenth, in nats per character. Prints one JSON line a seed.
 */
import { backendNames, selectBackend } from '@minigpt/backends';
import { dispose, parameters, Rng } from '@minigpt/core';
import { batches, splitText, tokenize, windows } from '@minigpt/data';
import { readText } from '@minigpt/data/node';
import { GPT } from '@minigpt/models';
import { characterTokenizer } from '@minigpt/tokenizers';
import { adamW, evaluate, train, warmupCosine } from '@minigpt/training';
import { oneOf, positiveInteger, readFlags, required } from './flags.ts';

const { values: flags } = readFlags(import.meta.url, {
  options: {
    data: { type: 'string' },
    backend: { type: 'string', default: 'auto' },
    seeds: { type: 'string', default: '1,2,3' },
    'max-iters': { type: 'string', default: '2000' },
  },
});
const data = required('data', flags.data, 'a text, 1,115,394 characters of Shakespeare');
const maxIters = positiveInteger('max-iters', flags['max-iters']);
const seeds = flags.seeds.split(',').map((seed) => positiveInteger('seeds', seed));

const backend = await selectBackend(oneOf('backend', flags.backend, ['auto', ...backendNames]));
const text = await readText(data);
const tokenizer = characterTokenizer.train(text);
const split = splitText(text);
const trainTokens = tokenize(tokenizer, split.train);
const heldOut = tokenize(tokenizer, split.validation);

for (const seed of seeds) {
  const rng = new Rng(seed);
  const shape = { blockSize: 64, nLayer: 4, nHead: 4, nEmbd: 128, bias: false };
  const model = new GPT({ vocabSize: tokenizer.vocabSize, ...shape, rng: rng.fold('init') });
  const optimizer = adamW({ parameters: parameters(model), betas: [0.9, 0.99], weightDecay: 0.1 });
  let seconds = 0;
  for await (const event of train({
    model,
    optimizer,
    batch: batches({ tokens: trainTokens, blockSize: 64, batchSize: 12, rng: rng.fold('batches') }),
    schedule: warmupCosine({ learningRate: 1e-3, minLr: 1e-4, warmupIters: 100, lrDecayIters: maxIters }),
    maxIters,
    seed,
    gradClip: 1,
  })) {
    if (event.type !== 'step') continue;
    seconds += event.tokens / event.tokensPerSecond;
    if (event.step % 100 === 0)
      process.stderr.write(`seed ${seed} step ${event.step} loss ${event.loss.toFixed(3)}\n`);
  }
  const { loss, tokens } = await evaluate({
    model,
    batches: windows({ tokens: heldOut, blockSize: 64, batchSize: 64 }),
  });
  const tokensPerSecond = Math.round((maxIters * 12 * 64) / seconds);
  console.log(JSON.stringify({ seed, loss, tokens, backend: backend.name, maxIters, tokensPerSecond }));
  optimizer.dispose();
  dispose(model);
}
