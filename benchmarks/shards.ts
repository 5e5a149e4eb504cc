/**
 * How fast are files tokenised into shards, beside Hugging Face's `tokenizers` in Python with as many processes as we have
 * threads?
 *
 *   npx tsx --tsconfig tsconfig.json benchmarks/shards.ts --tokenizer FILE [--data FOLDER] [--python PYTHON] [--workers 2] [--rounds 3]
 *
 * `--data`: a folder of `.py` files; without it, the standard library of the `python3` on the PATH, without site-packages.
 * `--python`: one that has the package `tokenizers`; `--tokenizer`: a tokenizer.json with at most 65,536 tokens.
 *
 * Both read the same files, encode them in groups of a megabyte, and write the same ids to the disk, which is checked; both
 * are timed from the tokenizer's file to the last byte, the start of threads or processes included. They take turns. CPU time is that of all
 * threads and processes; by the clock, a machine that does other work shows other figures in every round, so trust the
 * ratios. Prints a Markdown table of the best rounds.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ShardIndex } from '@minigpt/data';
import { findSources, writeShards } from '@minigpt/data/node';
import { readTokenizerFile } from '@minigpt/tokenizers/node';
import { positiveInteger, readFlags, required } from './flags.ts';

const { values: flags } = readFlags(import.meta.url, {
  options: {
    tokenizer: { type: 'string' },
    data: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    workers: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
  },
});
const tokenizerFile = required('tokenizer', flags.tokenizer, 'a tokenizer.json');
const workers = positiveInteger('workers', flags.workers);
const roundCount = positiveInteger('rounds', flags.rounds);

interface Timing {
  readonly seconds: number;
  readonly cpu: number;
  readonly bytes: number;
  readonly tokens: number;
}

const folder = mkdtempSync(join(tmpdir(), 'minigpt-shards-benchmark-'));
const library = 'import os;print(os.path.dirname(os.__file__))';
const data = flags.data ?? execFileSync('python3', ['-c', library], { encoding: 'utf8' }).trim();
const files = (await findSources(data, { extensions: ['.py'] }))
  .map(({ name }) => name)
  .filter((name) => !name.includes('site-packages'));
writeFileSync(join(folder, 'files'), files.join('\n'));

async function ours(): Promise<Timing> {
  const out = join(folder, 'shards');
  rmSync(out, { recursive: true, force: true });
  const before = process.cpuUsage();
  const began = performance.now();
  const tokenizer = await readTokenizerFile(tokenizerFile);
  let index: ShardIndex | undefined;
  const options = {
    sources: files,
    tokenizer,
    out,
    workers,
    shardBytes: 2 ** 31,
    skipInvalid: true,
  };
  for await (const event of writeShards(options)) if (event.type === 'finished') index = event.index;
  const { user, system } = process.cpuUsage(before);
  if (index === undefined) throw new Error('The shards are not complete.');
  return {
    seconds: (performance.now() - began) / 1000,
    cpu: (user + system) / 1e6,
    bytes: index.bytes,
    tokens: index.tokens,
  };
}

function pythons(): Timing {
  const script = fileURLToPath(new URL('shards.py', import.meta.url));
  const args = [script, tokenizerFile, join(folder, 'files'), join(folder, 'python.bin'), String(workers)];
  return JSON.parse(execFileSync(flags.python, args, { encoding: 'utf8' }));
}

const sha256 = (name: string) =>
  createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex');

const timings: Record<string, Timing[]> = { '@minigpt/data': [], 'tokenizers (Python)': [] };
for (let round = 0; round < roundCount; round++) {
  timings['@minigpt/data']?.push(await ours());
  timings['tokenizers (Python)']?.push(pythons());
  if (sha256('shards/shard-00000.bin') !== sha256('python.bin')) throw new Error('The ids are not the same.');
}
rmSync(folder, { recursive: true });

const best = (name: string, what: 'seconds' | 'cpu') =>
  Math.min(...(timings[name] ?? []).map((timing) => timing[what]));
const [first] = timings['@minigpt/data'] ?? [];
console.log(
  `${files.length} files, ${((first?.bytes ?? 0) / 1e6).toFixed(1)} MB, ${first?.tokens} tokens; equal ids; best of ${roundCount} rounds, ${workers} threads or processes\n`,
);
console.log('| | seconds | MB/s | CPU seconds | MB per CPU second |\n| --- | --- | --- | --- | --- |');
for (const name of Object.keys(timings)) {
  const cells = (['seconds', 'cpu'] as const).flatMap((what) => {
    const time = best(name, what);
    return [time.toFixed(2), ((first?.bytes ?? 0) / 1e6 / time).toFixed(1)];
  });
  console.log(`| ${[name, ...cells].join(' | ')} |`);
}
const ratio = (what: 'seconds' | 'cpu') =>
  `${(best('tokenizers (Python)', what) / best('@minigpt/data', what)).toFixed(1)}×`;
console.log(`| ours is faster | ${ratio('seconds')} | | ${ratio('cpu')} | |`);
