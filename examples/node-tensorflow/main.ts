// The same on TensorFlow, each step one graph: `pnpm minigpt tensorflow` once, then `pnpm start TEXT.txt [STEPS]`.
import { readFileSync } from 'node:fs';
import { start } from '@minigpt/backends/node';
import { parameters, Rng } from '@minigpt/core';
import { batches, tokenize } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { generateText } from '@minigpt/sampling';
import { characterTokenizer } from '@minigpt/tokenizers';
import { adamW, train, warmupCosine } from '@minigpt/training';

const [file, steps = '1000'] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
const { description, version } = await start();
console.log(`${description}, ${version}`);

const rng = new Rng(1);
const tokenizer = characterTokenizer.train(text);
const model = new GPT({
  vocabSize: tokenizer.vocabSize,
  blockSize: 64,
  nLayer: 4,
  nHead: 4,
  nEmbd: 128,
  rng,
});
const maxIters = Number(steps);
for await (const event of train({
  model,
  optimizer: adamW({ parameters: parameters(model) }),
  batch: batches({ tokens: tokenize(tokenizer, text), blockSize: 64, batchSize: 12, rng }),
  schedule: warmupCosine({ learningRate: 1e-3, warmupIters: maxIters / 10, lrDecayIters: maxIters }),
  maxIters,
  compile: true, // the forward pass, its gradients, clipping and AdamW as one TensorFlow graph
})) {
  if (event.type === 'step' && event.step % 50 === 0)
    console.log(
      `step ${event.step}: loss ${event.loss.toFixed(3)}, ${Math.round(event.tokensPerSecond)} tokens/s`,
    );
}

const options = { maxNewTokens: 200, temperature: 0.8, rng };
for await (const piece of generateText(model, tokenizer, text[0], options)) process.stdout.write(piece.text);
console.log();
