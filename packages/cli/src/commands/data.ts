import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MinigptError } from '@minigpt/core';
import type { ShardIndex } from '@minigpt/data';
import {
  openShards,
  type ShardProgressEvent,
  verifyShards,
  type WriteShardsOptions,
  writeShards,
} from '@minigpt/data/node';
import { duration, grouped } from '@minigpt/report/node';
import { loadTokenizer } from '@minigpt/tokenizers';
import { Command, Option } from 'commander';
import pc from 'picocolors';
import { type Console, createConsole, field } from '../console.ts';
import { InterruptedError } from '../errors.ts';
import { interruptSignal } from '../interrupt.ts';
import { positiveInteger } from '../parse.ts';
import { openTokenizer, TOKENIZER_NAME } from '../tokenizer.ts';

interface TokenizeFlags
  extends Pick<WriteShardsOptions, 'out' | 'field' | 'format' | 'shardBytes' | 'workers'> {
  readonly data: readonly string[];
  readonly tokenizer: string;
  readonly extensions?: readonly string[];
  readonly endOfText?: string;
  readonly skipInvalid?: boolean;
  readonly json?: boolean;
}

const tokenize = new Command('tokenize')
  .description(
    'Tokenise files into shards: token ids on the disk, to train on more than memory holds. A run that was stopped goes on.',
  )
  .requiredOption(
    '--data <where...>',
    'files, folders or globs: texts, JSON lines (.jsonl, .json.gz, …), Parquet',
  )
  .requiredOption('--tokenizer <name>', TOKENIZER_NAME)
  .requiredOption('--out <dir>', 'folder for the shards, their index and the tokenizer')
  .option('--extensions <ends...>', 'which files of a folder count, such as .py')
  .addOption(
    new Option('--format <format>', 'what the files are, whatever their names say').choices([
      'text',
      'jsonl',
      'parquet',
    ]),
  )
  .option('--field <name>', 'field of JSON lines, or column of Parquet, that holds the text', 'content')
  .option(
    '--end-of-text <token>',
    'token or id after each document (default: <|endoftext|>, </s>, … as the tokenizer has it)',
  )
  .option('--shard-bytes <n>', 'bytes a shard', positiveInteger, 100_000_000)
  .option(
    '--workers <n>',
    'threads that encode (default: as many as the machine runs at once)',
    positiveInteger,
  )
  .option('--skip-invalid', 'leave out documents that are not UTF-8 or have no text, and say which')
  .option('--json', 'print events as JSON lines; all else goes to standard error')
  .addHelpText(
    'after',
    `
Examples:
  minigpt data tokenize --data src/ --extensions .py --tokenizer starcoder2.tokenizer.json --out shards
  minigpt data tokenize --data 'file-*.json.gz' --tokenizer gpt2 --out shards
  minigpt data tokenize --data wiki.parquet --field text --tokenizer gpt2 --out shards`,
  )
  .action(async ({ data, tokenizer: name, endOfText, json = false, ...given }: TokenizeFlags) => {
    const console = createConsole({ json });
    const signal = interruptSignal(() => console.say('\nStopping after what is under way …'));
    const tokenizer = await openTokenizer(name);
    const speed = new Speed();
    let index: ShardIndex | undefined;
    const events = writeShards({
      ...given,
      sources: data,
      tokenizer,
      endOfText: tokenOrId(endOfText),
      signal,
    });
    for await (const event of events) {
      console.emit(event);
      if (event.type === 'started') {
        const { files, sourceBytes, tokens } = event;
        console.say(`${grouped(files)} ${files === 1 ? 'file' : 'files'}, ${megabytes(sourceBytes)}`);
        if (tokens > 0) console.say(`Going on behind ${grouped(tokens)} tokens.`);
      }
      if (event.type === 'skipped') console.say(pc.yellow(`left out: ${event.source}: ${event.reason}`));
      if (event.type === 'progress') console.progress.update(speed.told(event));
      if (event.type === 'finished') index = event.index;
    }
    console.progress.done();
    if (index === undefined) {
      throw new InterruptedError(
        'Stopped. What is written can be read, and the same command goes on behind it.',
      );
    }
    describe(console, given.out, index);
  });

const info = new Command('info')
  .description('Say what is in a folder of shards, and how its first document begins.')
  .argument('<dir>', 'folder of shards')
  .option('--json', 'print one JSON object')
  .addHelpText('after', '\nExample:\n  minigpt data info shards')
  .action(async (folder: string, { json = false }) => {
    const console = createConsole({ json });
    const shards = await openShards(folder);
    const beginning = shards.subarray(0, 100);
    shards.close();
    describe(console, folder, shards.index);
    const text = loadTokenizer(await readFile(join(folder, 'tokenizer.json'), 'utf8')).decode(beginning);
    console.say(field('begins with', `${JSON.stringify(text.slice(0, 200))}`));
    console.emit({ ...shards.index, beginning: text });
  });

const verify = new Command('verify')
  .description('Read all shards of a folder and say which file is not as it was written.')
  .argument('<dir>', 'folder of shards')
  .option('--json', 'print one JSON object a file')
  .addHelpText('after', '\nExample:\n  minigpt data verify shards')
  .action(async (folder: string, { json = false }) => {
    const console = createConsole({ json });
    let files = 0;
    let wrong = 0;
    for await (const { file, problem } of verifyShards(folder)) {
      files++;
      if (problem !== undefined) wrong++;
      console.say(problem === undefined ? `${pc.green('✓')} ${file}` : `${pc.red('✗')} ${problem.message}`);
      console.emit({ file, problem: problem?.message ?? null });
    }
    if (wrong === 0) console.say(`All ${files} files are as they were written.`);
    else
      throw new DamagedShardsError(`${wrong} of ${files} files in ${folder} are not as they were written.`);
  });

/** Something is wrong with the shards; each fault has been told. */
class DamagedShardsError extends MinigptError {}

export const data = new Command('data')
  .description('Tokenise files into shards, look at them, and verify them.')
  .addCommand(tokenize)
  .addCommand(info)
  .addCommand(verify)
  .addHelpText(
    'after',
    '\nExample:\n  minigpt data tokenize --data src/ --extensions .py --tokenizer gpt2 --out shards',
  );

function describe(console: Console, folder: string, index: ShardIndex): void {
  const { tokens, documents, bytes, shards, dtype, vocabSize, skipped, complete } = index;
  console.say(pc.bold(folder));
  console.say(
    field(
      'tokens',
      `${grouped(tokens)} in ${grouped(shards.length)} ${shards.length === 1 ? 'shard' : 'shards'} of ${dtype}`,
    ),
  );
  console.say(
    field('documents', `${grouped(documents)}${skipped > 0 ? `, and ${grouped(skipped)} left out` : ''}`),
  );
  console.say(
    field(
      'text',
      `${megabytes(bytes)}, ${(bytes / Math.max(1, tokens - documents)).toFixed(3)} bytes per token`,
    ),
  );
  console.say(
    field(
      'vocabulary',
      `${grouped(vocabSize)} tokens; SHA-256 of the tokenizer ${index.tokenizerSha256.slice(0, 12)}…`,
    ),
  );
  if (!complete) console.say(field('', pc.yellow('not complete: the command that began it goes on')));
}

/** How fast it goes, from the first piece on that was not there before. */
class Speed {
  #began: { readonly time: number; readonly bytes: number } | undefined;

  told({ sourceBytes, sourceBytesInAll, documents, tokens }: ShardProgressEvent): string {
    const time = performance.now();
    this.#began ??= { time, bytes: sourceBytes };
    const rate = (1000 * (sourceBytes - this.#began.bytes)) / Math.max(1, time - this.#began.time);
    const parts = [
      `${megabytes(sourceBytes)} of ${megabytes(sourceBytesInAll)}`,
      `${grouped(documents)} documents`,
      `${grouped(tokens)} tokens`,
    ];
    if (rate > 0)
      parts.push(`${megabytes(rate)}/s`, `${duration((sourceBytesInAll - sourceBytes) / rate)} left`);
    return parts.join('  ');
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function tokenOrId(given: string | undefined): string | number | undefined {
  return given !== undefined && /^\d+$/.test(given) ? Number(given) : given;
}
