// Trains a small GPT on a text, character by character, and lets it write: `pnpm start TEXT.txt [STEPS]`.
import { readFileSync } from 'node:fs';
import { selectBackend } from '@minigpt/backends';
import { parameters, Rng } from '@minigpt/core';
import { batches, tokenize } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { generateText } from '@minigpt/sampling';
import { characterTokenizer } from '@minigpt/tokenizers';
import { adamW, train, warmupCosine } from '@minigpt/training';

const [file, steps = '300'] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
const { name, description } = await selectBackend('wasm');
console.log(`${name}: ${description}`);

const rng = new Rng(1);
const tokenizer = characterTokenizer.train(text);
const model = new GPT({ vocabSize: tokenizer.vocabSize, blockSize: 32, nLayer: 2, nHead: 4, nEmbd: 64, rng });
const maxIters = Number(steps);
for await (const event of train({
  model,
  optimizer: adamW({ parameters: parameters(model) }),
  batch: batches({ tokens: tokenize(tokenizer, text), blockSize: 32, batchSize: 16, rng }),
  schedule: warmupCosine({ learningRate: 3e-3, warmupIters: maxIters / 10, lrDecayIters: maxIters }),
  maxIters,
})) {
  if (event.type === 'step' && event.step % 50 === 0)
    console.log(`step ${event.step}: loss ${event.loss.toFixed(3)}`);
}

const options = { maxNewTokens: 200, temperature: 0.8, rng };
for await (const piece of generateText(model, tokenizer, text[0], options)) process.stdout.write(piece.text);
console.log();
