import { selectBackend } from '@minigpt/backends';
import { tokenize } from '@minigpt/data';
import { grouped } from '@minigpt/report/node';
import { evaluate } from '@minigpt/training';
import { Command } from 'commander';
import { createConsole, field } from '../console.ts';
import { readCorpus } from '../corpus.ts';
import { evaluationWindows } from '../evaluation-windows.ts';
import { addModelFlags, loadModel } from '../load-model.ts';
import { positiveInteger } from '../parse.ts';
import { addBackendFlag } from '../settings.ts';

export const evaluation = addModelFlags(addBackendFlag(new Command('eval')))
  .description('Measure how well a model predicts a text, whole, in consecutive windows of its context.')
  .requiredOption('--data <file>', 'UTF-8 text')
  .option('--batch-size <n>', 'windows a pass', positiveInteger, 32)
  .option('--json', 'print one JSON object; all else goes to standard error')
  .addHelpText('after', '\nExample:\n  minigpt eval --model out/shakespeare --data held-out.txt --json')
  .action(async ({ data, batchSize, json = false, backend, ...flags }) => {
    const console = createConsole({ json });
    await selectBackend(backend);
    const { model, tokenizer } = await loadModel(flags, console);
    const { text } = await readCorpus(data);
    const stream = tokenize(tokenizer, text);
    const { loss, tokens } = await evaluate({ model, batches: evaluationWindows(model, stream, batchSize) });
    const predictedBytes =
      Buffer.byteLength(text) - Buffer.byteLength(tokenizer.decode(stream.subarray(0, 1)));
    const result = {
      loss,
      perplexity: Math.exp(loss),
      bitsPerByte: (loss * (stream.length - 1)) / Math.LN2 / predictedBytes,
      tokens,
      bytes: predictedBytes,
    };
    console.say(field('loss', `${loss.toFixed(4)} nats per token over ${grouped(tokens)} tokens`));
    console.say(field('perplexity', result.perplexity.toFixed(3)));
    console.say(field('bits/byte', `${result.bitsPerByte.toFixed(4)} over ${grouped(predictedBytes)} bytes`));
    console.emit({ model: flags.model, data, ...result });
  });
