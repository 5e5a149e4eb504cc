/**
 * A model that writes Python: from files to shards of tokens on the disk, to a decoder, to functions that python3 is asked about.
 *
 *   pnpm recipe python-code [--data FILE|DIR|GLOB] [--tokenizer FILE] [--quick]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { selectBackend } from '@minigpt/backends';
import { openPath } from '@minigpt/checkpoints/node';
import { ConfigError, countParameters, parameters, Rng, valueAndGrads } from '@minigpt/core';
import { countedLoss, shuffledBatches, type TokenSequence, windows } from '@minigpt/data';
import { openShards, readDocuments, verifyShards, writeShards } from '@minigpt/data/node';
import { GPT } from '@minigpt/models';
import { crossEntropy } from '@minigpt/ops';
import { barChart, type LossPoint, lossCurve } from '@minigpt/report';
import {
  duration,
  grouped,
  Lesson,
  oneLine,
  positiveInteger,
  publish,
  type RecipeFlags,
  recipeCommand,
} from '@minigpt/report/node';
import { generateBatch } from '@minigpt/sampling';
import { createTokenizer, type Tokenizer, tokensToHtml, trainBpe, visualise } from '@minigpt/tokenizers';
import { readTokenizerFile } from '@minigpt/tokenizers/node';
import { adamW, clipGradsByGlobalNorm, evaluate, train, warmupCosine } from '@minigpt/training';
import { dispose, reshape, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { functionOf, functionsIn, isOver, type PythonFunction } from './functions.ts';
import { whichParse } from './python.ts';
import { pythonSources } from './sources.ts';
import { textBytes } from './token-bytes.ts';

interface Flags extends RecipeFlags {
  readonly tokenizer?: string;
  readonly field: string;
  readonly steps?: number;
}

const flags = recipeCommand({
  name: 'python-code',
  description: 'Trains a model that writes Python, from shards of tokens on the disk.',
  data: 'Python files (file, folder, glob), JSON lines (.jsonl, .json.gz) or Parquet; without it, the library of the python3 on the PATH',
  examples: [
    'pnpm recipe python-code --quick',
    'pnpm recipe python-code --data "src/**/*.py" --backend node',
    'pnpm recipe python-code --data file-000000000040.json.gz --tokenizer bigcode/starcoder2-3b',
  ],
})
  .option(
    '--tokenizer <name>',
    "tokenizer.json, or org/name on the hub, such as StarCoder2's; without it, a BPE is trained on the spot",
  )
  .option('--field <name>', 'field of JSON lines, or column of Parquet, that holds the text', 'content')
  .option('--steps <n>', 'training steps (default: 4000, or 200 with --quick)', positiveInteger)
  .parse()
  .opts<Flags>();

const END = '<|endoftext|>';
const quick = flags.quick;
const bpeVocabulary = quick ? 512 : 2048; // V, of a BPE trained on the spot
const blockSize = quick ? 64 : 128; // T
const batchSize = quick ? 8 : 16; // B
const shape = quick ? { nLayer: 2, nHead: 2, nEmbd: 64 } : { nLayer: 4, nHead: 4, nEmbd: 128 };
const defaultSteps = quick ? 200 : 4_000;
const steps = Math.max(10, flags.steps ?? defaultSteps);
/** Whether the run is the one whose figures the README shows; what is right on other files nobody knows. */
const isFullRun =
  !quick && flags.data === undefined && flags.tokenizer === undefined && steps >= defaultSteps;
const sampleCount = quick ? 8 : 80;
const sampleTokens = quick ? 40 : 80;
const temperatures = quick ? [0.2] : [0.2, 0.5, 0.8, 1];
const learningRate = quick ? 4e-3 : 3e-3;

const began = performance.now();
const elapsed = () => duration((performance.now() - began) / 1000);
const backend = await selectBackend(flags.backend);
const rng = new Rng(flags.seed);
const lesson = new Lesson({
  title: 'A model that writes Python',
  lead: 'Models of code are models of text with other habits: much white space, long names, and a grammar that is checked by a machine. We tokenise Python files into shards on the disk, as is done for corpora that no memory holds, train a decoder from them, let it complete functions, and ask python3 which of them are Python.',
  folder: flags.out,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Files');

const sources = await pythonSources(flags.data, quick ? 120 : Number.POSITIVE_INFINITY);
const shown = await functionsOf(sources.heldOut.length > 0 ? sources.heldOut : sources.train, 200);
lesson.say(`
  The corpus is **${sources.name}**: ${grouped(sources.train.length + sources.heldOut.length)} files${
    sources.heldOut.length > 0
      ? `, of which every tenth, ${grouped(sources.heldOut.length)} in all, is held out: whole files, since half of a file says much about its other half.`
      : '; too few to hold some out, so that the last tenth of their tokens is.'
  } Big collections come as JSON lines with a field \`content\`, one file of code a line, often gzipped, or as Parquet;
  \`--data\` takes them too.`);
const example = shown.find(({ body }) => body.length > 150 && body.length < 700) ?? shown[0] ?? fallback();
const source = spelledOut(example);
lesson.sample({ text: source, caption: 'A function of the corpus.' });

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Tokens of code');

const tokenizer = await openTokenizer(flags.tokenizer);
const visual = visualise(tokenizer, source);
lesson.say(`
  ${
    flags.tokenizer === undefined
      ? `A byte-pair encoding of ${grouped(tokenizer.vocabSize)} tokens was trained on the spot, on files that the model will learn from, with one special token, \`${END}\`, to stand between files.`
      : `The tokenizer is ${flags.tokenizer}, with ${grouped(tokenizer.vocabSize)} tokens.`
  } Before pairs are joined, a pattern cuts the text into words, and a run of spaces is a word too: **an indentation is one
  token**. The function above in tokens:`);
lesson.figure({ html: tokensToHtml(visual), caption: 'One colour a token.' });
lesson.table({
  columns: ['#', 'token', 'id', 'bytes'],
  rows: visual.slice(0, 24).map(({ id }, i) => [i, spelled(id), id, tokenizer.tokenBytes(id).length]),
  caption: `Its first tokens; ${visual.length} in all for ${Buffer.byteLength(source)} bytes, ${(Buffer.byteLength(source) / visual.length).toFixed(2)} bytes a token. ␣ is a space, ↵ a line end.`,
});
lesson.check(
  'characters that differ after encoding and decoding',
  differing(source, tokenizer.decode(tokenizer.encode(source))),
  { equals: 0 },
  'a tokenizer of bytes loses nothing',
);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Shards');

const folder = join(flags.out, `shards-${sources.digest}-${tokenizer.vocabSize}`);
lesson.say(`
  A corpus of code does not fit into memory, and to tokenise it again for every run would be a waste. So its ids are written to the
  disk once: little-endian integers of 16 bits (32 where the vocabulary is larger than 65,536), document after document with
  \`${END}\` behind each, cut into files of 100 MB, beside an index with counts and SHA-256. Threads tokenise, one a core;
  stopped or killed, the next run goes on where this one was, to the same bytes.`);
const written = await writePart('train', sources.train);
const trainShards = await openShards(join(folder, 'train'), { tokenizer });
let trainTokens: TokenSequence = trainShards;
let heldOut: TokenSequence;
if (sources.heldOut.length > 0) {
  await writePart('held-out', sources.heldOut);
  heldOut = await openShards(join(folder, 'held-out'), { tokenizer });
} else {
  const cut = Math.floor(0.9 * trainShards.length);
  trainTokens = trainShards.part(0, cut);
  heldOut = trainShards.part(cut, trainShards.length);
}
const { skipped } = trainShards.index;
const leftOut =
  skipped === 0 ? '' : ` (documents left out, not UTF-8 or without a "${flags.field}": ${skipped})`;
if (heldOut.length < 2 * blockSize || trainTokens.length < 2 * blockSize) {
  throw new ConfigError(
    '--data',
    `The model sees ${blockSize} tokens at once, but only ${trainShards.length} came${leftOut}; name more or longer files.`,
  );
}
/** Functions that the model will not have seen, short enough to be completed within its context. */
const examples =
  sources.heldOut.length > 0
    ? await functionsOf(sources.heldOut, sampleCount, isShort)
    : functionsIn(tokenizer.decode(heldOut.subarray(0, 200_000) as Uint16Array))
        .filter(isShort)
        .slice(0, sampleCount);
if (examples.length === 0) examples.push(fallback());
const { index } = trainShards;
lesson.table({
  columns: ['index.json', ''],
  rows: [
    ['documents', grouped(index.documents)],
    ['left out, not UTF-8', grouped(index.skipped)],
    ['bytes of text', grouped(index.bytes)],
    ['tokens', grouped(index.tokens)],
    ['bytes per token', (index.bytes / (index.tokens - index.documents)).toFixed(3)],
    ['dtype', index.dtype],
    ['shards', String(index.shards.length)],
    ['SHA-256 of the first', `${index.shards[0]!.sha256.slice(0, 16)}…`],
  ],
  caption: `The shards to train on, written in ${written} (\`minigpt data info\` says the same).`,
});
let damaged = 0;
for await (const { problem } of verifyShards(join(folder, 'train'))) if (problem) damaged++;
lesson.check(
  'files of the shards that are not as they were written',
  damaged,
  { equals: 0 },
  'SHA-256 (`minigpt data verify`)',
);
lesson.check(
  'bytes that the tokens stand for, less those of the files',
  textBytes(trainShards, tokenizer) - index.bytes,
  { equals: 0 },
  'nothing is lost on the way',
);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Batches, and targets shifted by one');

const batch = shuffledBatches({ tokens: trainTokens, blockSize, batchSize, rng: rng.fold('batches') });
const first = batch(0);
lesson.say(`
  The stream is cut into windows of ${blockSize} tokens, and an epoch goes through all of them once. Its order is no list that was
  shuffled: the place of a window is **computed** from the seed and the step, so that it takes no memory, and a run that is resumed
  at step 5,000 reads what it would have read. A window is one read at its place on the disk. The targets are the same tokens **one
  further**: at each position the model is asked for what comes next.`);
lesson.table({
  columns: ['position', ...Array.from({ length: 8 }, (_, t) => String(t))],
  rows: [
    ['input', ...Array.from(first.inputs.subarray(0, 8), spelled)],
    ['target', ...Array.from(first.targets.subarray(0, 8), spelled)],
  ],
  caption: `The beginning of the first row of the first batch, \`[B, T] = [${batchSize}, ${blockSize}]\`.`,
});
const shifted = first.inputs.filter((id, i) => i % blockSize > 0 && id !== first.targets[i - 1]).length;
lesson.check(
  'inputs that are not the target before them',
  shifted,
  { equals: 0 },
  'targets are inputs shifted by one',
);
const again = shuffledBatches({ tokens: trainTokens, blockSize, batchSize, rng: rng.fold('batches') })(7);
const same = batch(7).inputs.filter((id, i) => id !== again.inputs[i]).length;
lesson.check(
  'tokens of batch 7 that change when it is asked for again',
  same,
  { equals: 0 },
  'a function of seed and step',
);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('The model');

const V = tokenizer.vocabSize;
const model = new GPT({ vocabSize: V, blockSize, ...shape, bias: false, rng: rng.fold('init') });
const sizes = [...parameters(model)];
const count = countParameters(model);
const inTables = sizes.filter(([name]) => /wte|wpe/.test(name)).reduce((sum, [, { size }]) => sum + size, 0);
lesson.say(`
  A decoder as GPT-2 has it: ${shape.nLayer} blocks of width ${shape.nEmbd} with ${shape.nHead} heads, a context of ${blockSize} tokens, the output
  tied to the embedding. **${grouped(count)} parameters**, ${Math.round((100 * inTables) / count)} % of them in the tables of tokens and positions.`);
const untrained = await completeFunctions(examples, 1);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Training');

const byHand = Math.min(20, steps);
const schedule = warmupCosine({
  learningRate,
  minLr: learningRate / 10,
  warmupIters: Math.ceil(steps / 20),
  lrDecayIters: steps,
});
lesson.say(`
  ${grouped(steps)} steps of AdamW on ${backend.name} (${backend.description}), ${grouped(batchSize * blockSize)} tokens each:
  ${((steps * batchSize * blockSize) / trainTokens.length).toFixed(2)} epochs. The first ${byHand} are written out here: batch, loss, gradients, clipping, step; \`train\` of
  \`@minigpt/training\` goes on from there with the very same steps, compiled where the backend can.`);

const trained = parameters(model);
const optimizer = adamW({ parameters: trained, betas: [0.9, 0.95], weightDecay: 0.1 });
const anywhere = shuffledBatches({ tokens: heldOut, blockSize, batchSize, rng: rng.fold('looks') });
const measured = Array.from({ length: 10 }, (_, i) => anywhere(i));
const curve: LossPoint[] = [];
const looks: LossPoint[] = [];

async function look(step: number): Promise<void> {
  looks.push({ step, loss: (await evaluate({ model, batches: measured })).loss });
}

async function tell(step: number, loss: number): Promise<void> {
  curve.push({ step, loss });
  lesson.progress(`step ${step}/${steps}  loss ${loss.toFixed(3)}  ${elapsed()}`);
  if (step % Math.ceil(steps / 6) === 0 || step === steps) await look(step);
}

await look(0);
for (let step = 0; step < byHand; step++) {
  const { inputs, targets } = batch(step);
  const { value, grads } = valueAndGrads(() => {
    const logits = model.call(tensor2d(inputs, [batchSize, blockSize], 'int32')); // [B, T, V]
    return crossEntropy(reshape(logits, [batchSize * blockSize, V]), tensor1d(targets, 'int32'));
  }, trained);
  const clipped = clipGradsByGlobalNorm(grads, 1);
  optimizer.step(clipped.grads, schedule(step));

  const [loss] = await value.data();
  dispose([value, clipped.norm, ...clipped.grads.values(), ...grads.values()]);
  await tell(step + 1, loss!);
}
for await (const event of train({ model, optimizer, batch, schedule, maxIters: steps })) {
  if (event.type === 'step') await tell(event.step, event.loss);
}
optimizer.dispose();
lesson.figure({
  name: 'loss',
  html: lossCurve({ title: 'Loss of the model of Python, nats per token', train: curve, validation: looks }),
  caption: 'Each batch (pale), their mean, and held-out tokens (dots).',
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('How well it predicts');

const measuredTokens = Math.min(heldOut.length, quick ? 20_000 : 500_000);
const heldOutTokens = heldOut.subarray(0, measuredTokens) as Uint16Array;
const counted = countedLoss(trainTokens, heldOutTokens, V);
const { loss, tokens } = await evaluate({
  model,
  batches: windows({ tokens: heldOutTokens, blockSize, batchSize: 16 }),
});
const bytes = textBytes(heldOutTokens.subarray(1), tokenizer);
const bits = (nats: number) => (nats * tokens) / Math.LN2 / bytes;
const bitsPerByte = bits(loss);
const gzipped = (8 * gzipSync(tokenizer.decode(heldOutTokens), { level: 9 }).length) / bytes;
lesson.say(`
  On ${grouped(tokens)} tokens of held-out files the loss is **${loss.toFixed(3)} nats per token**. Guessing blindly costs ln ${grouped(V)} =
  ${Math.log(V).toFixed(3)}; by how frequent each token is, ${counted.tokens.toFixed(3)}; by a table of counted pairs (smoothed as Witten and Bell do),
  ${counted.pairs.toFixed(3)}. Nats per token cannot be compared between tokenizers, since a larger vocabulary has fewer tokens to
  predict. **Bits per byte** can: the same nats as bits, over the bytes of the text: **${bitsPerByte.toFixed(3)}**. That is how far the model
  could compress these files; \`gzip -9\`, which sees 32 KB back where the model sees ${blockSize} tokens, needs ${gzipped.toFixed(3)}.`);
lesson.formula('bits per byte = nats per token · tokens / (ln 2 · bytes)');
lesson.figure({
  name: 'bits',
  html: barChart({
    title: 'Bits per byte of held-out Python',
    bars: [
      ['as it is', 8],
      ['blind guessing', bits(Math.log(V))],
      ['counted tokens', bits(counted.tokens)],
      ['counted pairs', bits(counted.pairs)],
      ['gzip -9', gzipped],
      ['the model', bitsPerByte],
    ].map(([label, value]) => ({
      label: String(label),
      value: Number(value),
      note: Number(value).toFixed(2),
    })),
    color: 2,
  }),
  caption: 'Less is better.',
});
if (quick && steps >= defaultSteps) {
  lesson.check(
    'loss on held-out files, nats per token',
    loss,
    { atMost: counted.tokens },
    'how frequent each token is',
  );
}
if (isFullRun) {
  lesson.check(
    'loss on held-out files, nats per token',
    loss,
    { atMost: counted.pairs },
    'a table of counted pairs, which sees one token',
  );
  lesson.check('bits per byte on held-out files', bitsPerByte, { atMost: gzipped }, '`gzip -9`');
}

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Functions');

const completed = new Map<number, readonly Completion[]>();
for (const temperature of temperatures)
  completed.set(temperature, await completeFunctions(examples, temperature));
const samples = completed.get(temperatures[0]!)!.slice(0, 3);
lesson.say(`
  The model gets the beginning of a function that it has never seen, its first line and its docstring where it has one, and writes on,
  until a line at the left margin begins or ${sampleTokens} tokens are written. Each token is drawn from the likeliest that sum to 0.95. A
  **temperature** below 1 makes the likely ones likelier yet: at ${temperatures[0]} the model writes little else than what it is surest of.`);
for (const { text } of samples)
  lesson.sample({
    text,
    caption: 'A beginning from the held-out files, and a body of the model’s.',
    lines: 12,
  });

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Is it Python?');

const groups: readonly (readonly [string, readonly string[]])[] = [
  ['the untrained model', untrained.map(({ withoutDocstring }) => withoutDocstring)],
  ...[...completed].map(
    ([temperature, functions]) =>
      [
        `the model, temperature ${temperature}`,
        functions.map(({ withoutDocstring }) => withoutDocstring),
      ] as const,
  ),
  ['people', examples.map(({ head, body }) => `${head}${body}`)],
];
const parsed = await parseCounts(groups.map(([, functions]) => functions));
if (parsed === undefined) {
  lesson.say('There is no `python3` on the PATH that could be asked.');
} else {
  const share = (count: number) => `${Math.round((100 * count) / examples.length)} %`;
  lesson.say(`
    A grammar is a merciless teacher: one bracket too few, and all is wrong. We ask \`python3\` in a process of its own whether
    \`ast.parse\` makes a tree of each of ${examples.length} functions: first line and body, without the docstring, which alone would be a
    body already. A function that did not come to its end is cut after its last whole line. Nothing is run.`);
  lesson.figure({
    name: 'parses',
    html: barChart({
      title: 'Functions that python3 parses',
      bars: groups.map(([label], i) => ({
        label,
        value: parsed[i]! / examples.length,
        note: share(parsed[i]!),
      })),
      color: 4,
    }),
    caption: `Of ${examples.length} functions each.`,
  });
  lesson.say(`
    python3 parses **${share(parsed[1]!)}** of the functions that the model writes at temperature ${temperatures[0]}, and ${share(parsed[0]!)} of those before
    training. That a text parses says that it is Python, not that it does what its docstring promises.`);
  if (isFullRun)
    lesson.check(
      `functions of ${examples.length} that python3 does not parse, temperature ${temperatures[0]}`,
      examples.length - parsed[1]!,
      { atMost: examples.length - parsed[0]! - 1 },
      'before training, less one',
    );
}

lesson.chapter('Exercises');
lesson.say(`
  The answers are programs in the folder \`exercises/\` of this recipe.

  1. How much of code is white space, and what does each vocabulary make of it? (\`1-white-space.ts\`)
  2. Read the shards in their order instead of shuffled. What happens to the loss? (\`2-order.ts\`)
  3. Which tokens are easy? Measure the loss by position in the window, and by kind of token. (\`3-positions.ts\`)`);
trainShards.close();
lesson.finish();

if (isFullRun) {
  publish({
    recipe: 'python-code',
    text: 'Python’s library',
    run: `\`pnpm recipe python-code --backend ${backend.name} --seed ${flags.seed} --steps ${steps}\`, ${elapsed()} on \`${backend.name}\`, ${sources.name}.`,
    checks: lesson.checks,
    readme: here('README.md'),
    docs: {
      page: here('../../../docs/recipes.md'),
      folder: flags.out,
      figures: [
        { name: 'loss', caption: 'Loss of the model of Python' },
        { name: 'bits', caption: 'Bits per byte of held-out Python' },
        ...(parsed === undefined ? [] : [{ name: 'parses', caption: 'Functions that python3 parses' }]),
      ],
      sample: samples.map(({ text }) => text).join('\n\n'),
    },
  });
}

// ---------------------------------------------------------------------------------------------------------------------

/** Writes shards of some files, or finds them written, and says how long it took. */
async function writePart(name: string, files: readonly string[]): Promise<string> {
  const start = performance.now();
  const options = {
    sources: files,
    tokenizer,
    out: join(folder, name),
    endOfText: endOfText(),
    field: flags.field,
    skipInvalid: true,
  };
  for await (const event of writeShards(options)) {
    if (event.type !== 'progress') continue;
    const share = Math.round((100 * event.sourceBytes) / event.sourceBytesInAll);
    lesson.progress(`tokenising, ${name}: ${share} %, ${grouped(event.tokens)} tokens`);
  }
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/** The token between documents, where the tokenizer of the flag calls it otherwise. */
function endOfText(): string | undefined {
  return tokenizer.tokenToId(END) === undefined ? undefined : END;
}

/** @throws what reading a tokenizer throws, and the hub */
async function openTokenizer(name: string | undefined): Promise<Tokenizer> {
  if (name === undefined) {
    const options = { vocabSize: bpeVocabulary, specialTokens: [END], onProgress: told };
    return createTokenizer(await trainBpe(await someTexts(quick ? 300_000 : 3_000_000), options));
  }
  if (existsSync(name)) return readTokenizerFile(name);
  if (name.endsWith('.json'))
    throw new ConfigError(
      '--tokenizer',
      `There is no ${name}; name a tokenizer.json, or org/name on the hub.`,
    );
  const { tokenizer, weights } = await openPath(name);
  await weights.close();
  if (tokenizer === undefined)
    throw new ConfigError('--tokenizer', `${name} comes without a tokenizer; name a tokenizer.json.`);
  return createTokenizer(tokenizer);
}

function told({ stage, done }: { readonly stage: string; readonly done: number }): void {
  lesson.progress(`byte-pair encoding: ${stage}, ${grouped(done)}`);
}

/** Texts to train a tokenizer on: files spread over the corpus, up to so many characters. */
async function someTexts(characters: number): Promise<string[]> {
  const { train } = sources;
  const spread = train.map((_, i) => train[(i * 7919) % train.length]!); // a prime, so that no file comes twice
  const texts: string[] = [];
  let length = 0;
  for await (const { text } of readDocuments(spread, { field: flags.field, skipInvalid: true })) {
    texts.push(text);
    length += text.length;
    if (length >= characters) break;
  }
  return texts;
}

/** Functions of some files, a few of each. */
async function functionsOf(
  files: readonly string[],
  most: number,
  wanted: (candidate: PythonFunction) => boolean = () => true,
): Promise<PythonFunction[]> {
  const found: PythonFunction[] = [];
  for await (const { text } of readDocuments(files, { field: flags.field, skipInvalid: true })) {
    found.push(...functionsIn(text).filter(wanted).slice(0, 3));
    if (found.length >= most) break;
  }
  return found.slice(0, most);
}

/** Whether what the model is given and what people wrote after it both have room in its context. */
function isShort({ head, docstring, body }: PythonFunction): boolean {
  const length = (text: string) => tokenizer.encode(text, { disallowedSpecial: [] }).length;
  return (
    !isOver(`${head}${docstring}`) &&
    length(`${head}${docstring}`) <= blockSize - sampleTokens &&
    length(body) <= sampleTokens
  );
}

function spelledOut({ head, docstring, body }: PythonFunction): string {
  return `${head}${docstring}${body}`;
}

/** Something to show and to complete where the corpus is not of `.py` files. */
function fallback(): PythonFunction {
  return {
    head: 'def mean(values):\n',
    docstring: '',
    body: '    total = sum(values)\n    return total / len(values)\n',
  };
}

/** Lets the model write a body for each function, all side by side. */
async function completeFunctions(
  functions: readonly PythonFunction[],
  temperature: number,
): Promise<Completion[]> {
  const prompts = functions.map(({ head, docstring }) => promptOf(`${head}${docstring}`));
  const ids = prompts.map((prompt) => [...prompt]);
  const endId = tokenizer.tokenToId(END);
  const options = {
    maxNewTokens: sampleTokens,
    temperature,
    topP: 0.95,
    endIds: endId === undefined ? [] : [endId],
    stop: (ids: readonly number[]) => isOver(tokenizer.decode(ids)),
    rng: rng.fold('samples'),
    compile: false,
  };
  let written = 0;
  for await (const { row, id } of generateBatch(model, prompts, options)) {
    ids[row]!.push(id);
    lesson.progress(`writing functions: ${++written} tokens`);
  }
  return functions.map(({ head, docstring }, row) => {
    const text = functionOf(tokenizer.decode(ids[row]!, { skipSpecialTokens: true }));
    if (text.length < head.length) return { text: head, withoutDocstring: head }; // not a whole line came
    // The docstring was given, and alone it would be a body already.
    const withoutDocstring = text.slice(0, head.length) + text.slice(head.length + docstring.length);
    return { text, withoutDocstring };
  });
}
interface Completion {
  readonly text: string;
  /** What python3 is asked about. */
  readonly withoutDocstring: string;
}

/**
 * The ids of the beginning of a function, without those of the end that would be others if the text went on: some tokenizers join
 * a line end with the indentation after it, and a model has never seen the one without the other.
 */
function promptOf(text: string): number[] {
  const bytes = Buffer.byteLength(text);
  let end = 0;
  return tokenizer.encode(`${text}    return`, { disallowedSpecial: [] }).filter((id) => {
    end += tokenizer.tokenBytes(id).length;
    return end <= bytes;
  });
}

/** How many functions of each group python3 parses; undefined where there is none. */
async function parseCounts(groups: readonly (readonly string[])[]): Promise<number[] | undefined> {
  const counts: number[] = [];
  for (const functions of groups) {
    const parsed = await whichParse(functions);
    if (parsed === undefined) return undefined;
    counts.push(parsed.filter(Boolean).length);
  }
  return counts;
}

function differing(a: string, b: string): number {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).filter((i) => a[i] !== b[i])
    .length;
}

/** A token for a table, its white space visible. */
function spelled(id: number): string {
  return oneLine(tokenizer.decode([id]).replaceAll('\n', '↵').replaceAll('\t', '⇥')).replaceAll(' ', '␣');
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
