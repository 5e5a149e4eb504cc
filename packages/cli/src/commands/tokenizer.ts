import { stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { grouped } from '@minigpt/report/node';
import {
  characterTokenizer,
  createTokenizer,
  type TokenizerJson,
  type TrainingProgress,
  tokensToAnsi,
  trainBpe,
  trainUnigram,
  trainWordPiece,
  visualise,
  wordTokenizer,
} from '@minigpt/tokenizers';
import { readTextFiles } from '@minigpt/tokenizers/node';
import { Command, Option } from 'commander';
import pc from 'picocolors';
import { createConsole, field } from '../console.ts';
import { InterruptedError, UsageError } from '../errors.ts';
import { interruptSignal } from '../interrupt.ts';
import { positiveInteger } from '../parse.ts';
import { readInput } from '../read-input.ts';
import { openTokenizer, TOKENIZER_NAME } from '../tokenizer.ts';

const train = new Command('train')
  .description('Train a tokenizer on text files and write a tokenizer.json, which Hugging Face loads too.')
  .addOption(
    new Option('--kind <kind>', 'byte-level BPE, Unigram, WordPiece, words or characters')
      .choices(['bpe', 'unigram', 'wordpiece', 'word', 'char'])
      .default('bpe'),
  )
  .requiredOption('--data <files...>', 'UTF-8 texts')
  .requiredOption('--out <file>', 'where the tokenizer.json goes')
  .option('--vocab-size <n>', 'tokens in all', positiveInteger, 8192)
  .option(
    '--pattern <name|regex>',
    'bpe: how text is cut into words: gpt2, gpt4, o200k or an expression',
    'gpt4',
  )
  .option('--min-frequency <n>', 'bpe: least count of a pair that is merged', positiveInteger, 2)
  .addOption(
    new Option('--tie-rule <rule>', 'bpe: which of equally frequent pairs is merged')
      .choices(['first-seen', 'lexicographic'])
      .default('first-seen'),
  )
  .option('--special-tokens <tokens...>', 'added to the vocabulary')
  .option('--json', 'print one JSON object; all else goes to standard error')
  .addHelpText(
    'after',
    '\nExample:\n  minigpt tokenizer train --kind bpe --vocab-size 8192 --data book.txt --out tokenizer.json',
  )
  .action(async ({ kind, data, out, json = false, ...given }) => {
    await checkTarget(out);
    const console = createConsole({ json });
    const signal = interruptSignal(() => console.say('\nStopping; nothing is written.'));
    const began = performance.now();
    const options = {
      ...given,
      signal,
      onProgress: (progress: TrainingProgress) => console.progress.update(told(progress)),
    };
    const result = await trained(kind, data, options).catch((error: unknown) => {
      throw signal.aborted ? new InterruptedError('Stopped before the vocabulary was complete.') : error;
    });
    const seconds = (performance.now() - began) / 1000;
    await writeFile(out, `${JSON.stringify(result, undefined, 2)}\n`);
    const { vocabSize } = createTokenizer(result);
    console.say(`Trained ${grouped(vocabSize)} tokens in ${seconds.toFixed(1)} s; wrote ${out}.`);
    console.emit({ kind, vocabSize, seconds, out });
  });

/** Before minutes of training, not after. @throws UsageError where no file can be written */
async function checkTarget(file: string): Promise<void> {
  const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  if (await isFolder(file))
    throw new UsageError(`--out takes a file, but ${file} is a folder: name a file in it.`);
  const folder = dirname(file);
  if (!(await isFolder(folder)))
    throw new UsageError(`--out is in the folder ${folder}, which does not exist: make it first.`);
}

function told({ stage, done, total }: TrainingProgress): string {
  if (stage === 'read') return `reading: ${grouped(done)} characters`;
  return `vocabulary: ${grouped(done)}${total === undefined ? '' : ` of ${grouped(total)}`} tokens`;
}

type TrainOptions = Parameters<typeof trainBpe>[1];

async function trained(
  kind: string,
  files: readonly string[],
  options: TrainOptions,
): Promise<TokenizerJson> {
  switch (kind) {
    case 'unigram':
      return trainUnigram(readTextFiles(files), options);
    case 'wordpiece':
      return trainWordPiece(readTextFiles(files), options);
    case 'word':
      return wordTokenizer.train(await wholeText(files), options).toJSON();
    case 'char':
      return characterTokenizer.train(await wholeText(files)).toJSON();
    default:
      return trainBpe(readTextFiles(files), options);
  }
}

async function wholeText(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map((file) => readInput(file)))).join('');
}

const inspect = new Command('inspect')
  .description(
    'Say what is in a tokenizer: size, special tokens, longest tokens; with a text, how well it compresses it.',
  )
  .requiredOption('--tokenizer <name>', TOKENIZER_NAME)
  .option('--data <file>', 'UTF-8 text to measure the compression on')
  .option('--longest <n>', 'how many of the longest tokens to list', positiveInteger, 10)
  .option('--json', 'print one JSON object')
  .addHelpText('after', '\nExample:\n  minigpt tokenizer inspect --tokenizer cl100k_base --data book.txt')
  .action(async ({ tokenizer: name, data, longest: count, json = false }) => {
    const console = createConsole({ json });
    const tokenizer = await openTokenizer(name);
    const special = Object.fromEntries(tokenizer.specialTokens);
    const longest = tokenizer
      .longestTokens(count)
      .map(({ id, token, bytes }) => ({ id, token, bytes: bytes.length }));
    const text = data === undefined ? undefined : await readInput(data);
    const tokens = text === undefined ? undefined : tokenizer.count(text, { disallowedSpecial: [] });
    const bytesPerToken = text && tokens ? Buffer.byteLength(text) / tokens : undefined;
    console.say(field('tokens', grouped(tokenizer.vocabSize)));
    console.say(
      field(
        'special',
        Object.entries(special)
          .map(([token, id]) => `${token} ${id}`)
          .join('  ') || 'none',
      ),
    );
    console.say(field('longest', ''));
    for (const { id, token, bytes } of longest)
      console.say(`    ${String(bytes).padStart(4)} bytes  ${id}  ${JSON.stringify(token)}`);
    if (bytesPerToken !== undefined) {
      console.say(
        field(
          'compression',
          `${bytesPerToken.toFixed(3)} bytes per token over ${grouped(tokens ?? 0)} tokens`,
        ),
      );
    }
    console.emit({
      tokenizer: name,
      vocabSize: tokenizer.vocabSize,
      special,
      longest,
      tokens,
      bytesPerToken,
    });
  });

const show = new Command('show')
  .description('Show a text coloured by token, with the ids.')
  .requiredOption('--tokenizer <name>', TOKENIZER_NAME)
  .argument('[text]', 'the text; without it, standard input')
  .option('--json', 'print {"tokens": [...]} with id, token, text, place and kind')
  .addHelpText('after', '\nExample:\n  minigpt tokenizer show --tokenizer gpt2 "Call me Ishmael."')
  .action(async (given: string | undefined, { tokenizer: name, json = false }) => {
    const console = createConsole({ json });
    const tokenizer = await openTokenizer(name);
    const tokens = visualise(tokenizer, given ?? (await readInput()));
    if (json) return console.emit({ tokens });
    if (pc.isColorSupported) return console.say(tokensToAnsi(tokens, { ids: true }));
    for (const { id, token, start, end, kind } of tokens) {
      console.say(
        `${String(id).padStart(8)}  ${String(start).padStart(6)}–${String(end).padEnd(6)} ${kind.padEnd(13)} ${JSON.stringify(token)}`,
      );
    }
  });

export const tokenizer = new Command('tokenizer')
  .description('Train, inspect and show tokenizers.')
  .addCommand(train)
  .addCommand(inspect)
  .addCommand(show)
  .addHelpText('after', '\nExample:\n  minigpt tokenizer show --tokenizer gpt2 "Call me Ishmael."');
