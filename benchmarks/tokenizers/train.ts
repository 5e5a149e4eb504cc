/**
 * How long does training a tokenizer take, and how do time and memory grow with the corpus?
 *
 *   npx tsx benchmarks/tokenizers/train.ts --data FILE... [--vocab-size 8192] [--growth 10,25,50,100]
 *
 * Protocol: each trainer runs twice on the first 4,000,000 characters of the files (joined in the order given), in one
 * thread; the better run counts, so that compiling the code is not part of it. CPU time is given beside wall time because
 * it does not depend on what else the machine does. For growth, sentences of the same text are drawn at random, one word
 * in a hundred replaced by an invented one (so that distinct words keep coming, as in a real corpus), and streamed: the
 * whole corpus never exists. Memory is the process's largest resident set so far, so sizes run in ascending order.
 * Prints a Markdown table.
 */
import { readFileSync } from 'node:fs';
import { trainBpe, trainUnigram, trainWordPiece } from '@minigpt/tokenizers';
import { positiveInteger, readFlags, required } from '../flags.ts';

const { values: flags, positionals } = readFlags(import.meta.url, {
  options: {
    data: { type: 'string', multiple: true, default: [] },
    'vocab-size': { type: 'string', default: '8192' },
    growth: { type: 'string', default: '10,25,50,100' },
  },
  allowPositionals: true,
});
const files = [...flags.data, ...positionals];
required('data', files[0], 'English text, about 4 MB');
const vocabSize = positiveInteger('vocab-size', flags['vocab-size']);
const text = files
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n')
  .slice(0, 4_000_000);

interface Measurement {
  readonly wall: number;
  readonly cpu: number;
}

async function measure(work: () => Promise<unknown>): Promise<Measurement> {
  const start = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wall: (performance.now() - start) / 1e3, cpu: (user + system) / 1e6 };
}

function row(name: string, { wall, cpu }: Measurement, megabytes: number): void {
  const memory = process.resourceUsage().maxRSS / 1024;
  const cells = [name, wall.toFixed(2), cpu.toFixed(2), (megabytes / cpu).toFixed(1), memory.toFixed(0)];
  console.log(`| ${cells.join(' | ')} |`);
}

console.log(`Vocabulary ${vocabSize}, ${(text.length / 1e6).toFixed(2)} million characters.\n`);
console.log('| trainer | wall, s | CPU, s | million characters per CPU second | largest memory, MB |');
console.log('| --- | --- | --- | --- | --- |');

// Growth first: the memory of the other trainers would hide its own.
for (const megabytes of flags.growth.split(',').map((size) => positiveInteger('growth', size))) {
  const result = await measure(() =>
    trainBpe(enlarged(text, megabytes * 1e6), { vocabSize, pattern: 'gpt4' }),
  );
  row(`BPE, gpt4, ${megabytes} million characters streamed`, result, megabytes);
}

const trainers: Record<string, () => Promise<unknown>> = {
  'BPE, gpt2': () => trainBpe(text, { vocabSize, pattern: 'gpt2' }),
  'BPE, gpt4': () => trainBpe(text, { vocabSize, pattern: 'gpt4' }),
  'BPE, o200k': () => trainBpe(text, { vocabSize, pattern: 'o200k' }),
  'BPE, gpt2, ties lexicographic': () =>
    trainBpe(text, { vocabSize, pattern: 'gpt2', tieRule: 'lexicographic' }),
  WordPiece: () => trainWordPiece(text, { vocabSize }),
  Unigram: () => trainUnigram(text, { vocabSize }),
};
for (const [name, work] of Object.entries(trainers)) {
  const first = await measure(work);
  const second = await measure(work);
  row(name, first.cpu < second.cpu ? first : second, text.length / 1e6);
}

/** A corpus of `length` characters, made from the sentences of a text. */
function* enlarged(source: string, length: number): Generator<string> {
  const sentences = source.split('. ');
  const words = [...new Set(source.split(/\s+/))];
  const random = mulberry32(1);
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)]!;
  let document = '';
  for (let written = 0; written < length; ) {
    const sentence = pick(sentences)
      .split(' ')
      .map((word) => (random() < 0.01 ? pick(words).slice(0, 6) + pick(words).slice(-5) : word));
    document += `${sentence.join(' ')}. `;
    if (document.length < 1 << 16) continue;
    written += document.length;
    yield document;
    document = '';
  }
}

/** Tommy Ettinger's generator of 32-bit numbers, as uniform numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
