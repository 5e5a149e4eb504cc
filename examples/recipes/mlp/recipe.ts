/**
 * The neural probabilistic language model of Bengio, Ducharme, Vincent and Jauvin (2003), on short stories.
 *
 *   pnpm recipe mlp [--data FILE|URL|DIR|GLOB] [--quick]
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { selectBackend } from '@minigpt/backends';
import { ConfigError, countParameters, parameters, Rng, type TokenBatch, valueAndGrads } from '@minigpt/core';
import { batches, countedLoss, normalizeNewlines, type TokenStream, tokenize, windows } from '@minigpt/data';
import { readMobyDick, readTexts } from '@minigpt/data/node';
import { MLPLanguageModel } from '@minigpt/models';
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
import { generateText } from '@minigpt/sampling';
import { createTokenizer, tokensToHtml, trainBpe, visualise } from '@minigpt/tokenizers';
import { adamW, constant, evaluate, train } from '@minigpt/training';
import { dispose, reshape, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { documentsIn } from './documents.ts';

const flags = recipeCommand({
  name: 'mlp',
  description: 'Trains the neural probabilistic language model of Bengio et al. 2003 on stories.',
  data: 'a JSON array of texts, JSON lines with "text", or text files, one a document; without it, Moby Dick by chapters',
  examples: [
    'pnpm recipe mlp --quick',
    'pnpm recipe mlp --data tinystories_1000.json --backend node',
    'pnpm recipe mlp --data "stories/*.txt" --steps 3000',
  ],
  seed: 1,
})
  .option('--steps <n>', 'training steps (default: 10000, or 200 with --quick)', positiveInteger)
  .parse()
  .opts<RecipeFlags & { steps?: number }>();

/** Collections whose numbers are known, by the SHA-256 of their documents joined with line ends. */
const KNOWN: Readonly<Record<string, Known>> = {
  '9fe813229e02bad653e3639045bb55e9793426ec6394dd9d6a8c3114c5503fd4': {
    name: 'TinyStories, 1,000 documents',
    trainTokens: 391_149,
    testTokens: 45_113,
    longest: ' together',
    loss: 3.34,
  },
};
interface Known {
  readonly name: string;
  readonly trainTokens: number;
  readonly testTokens: number;
  readonly longest: string;
  readonly loss: number;
}

const ROLES: Readonly<Record<string, string>> = {
  'wte.weight': 'a vector for each token',
  'hidden.weight': 'combines the vectors of the context',
  'hidden.bias': '',
  'output.weight': 'a logit for each token',
  'output.bias': 'how frequent each token is by itself',
};

const vocabSize = 512; // V
const blockSize = 32; // T: how many tokens the model sees
const nEmbd = 64; // C
const nHidden = 512; // H
const batchSize = 64; // B
const began = performance.now();
const elapsed = () => duration((performance.now() - began) / 1000);
const backend = await selectBackend(flags.backend);
const isGlance = flags.quick && backend.name === 'cpu'; // plain JavaScript takes seconds a step
const steps = Math.max(10, flags.steps ?? (isGlance ? 10 : flags.quick ? 200 : 10_000));
const learningRate = flags.quick ? 2e-3 : 1e-3;
const rng = new Rng(flags.seed);
const lesson = new Lesson({
  title: 'A neural probabilistic language model',
  lead: 'Tables that count what follows what fall apart as soon as the context grows. In 2003 Bengio, Ducharme, Vincent and Jauvin gave every word a vector instead, and let a network predict the next word from the vectors of the last ones. Everything since stands on that.',
  folder: flags.out,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Documents');

const documents: string[] = [];
if (flags.data === undefined)
  documents.push(...normalizeNewlines(await readMobyDick()).split(/\n+(?=CHAPTER \d)/));
else for await (const file of readTexts(flags.data)) documents.push(...documentsIn(file.text, file.name));
if (documents.length < 20) {
  throw new ConfigError(
    '--data',
    `Every tenth document is for testing and the first twenty of the others train the tokenizer, so there must be at least 20, but ${documents.length} came; name more files, or a JSON array of texts.`,
  );
}
const known = KNOWN[createHash('sha256').update(documents.join('\n')).digest('hex')];

const isTest = (index: number) => index % 10 === 0;
const trainDocuments = documents.filter((_, i) => !isTest(i));
const testDocuments = documents.filter((_, i) => isTest(i));

lesson.say(`
  The collection is **${known?.name ?? flags.data ?? 'Moby-Dick, a chapter a document'}**: ${grouped(documents.length)}
  documents, ${grouped(documents.join('').length)} characters. Every tenth one, ${grouped(testDocuments.length)} in all, is for
  testing: whole documents, so that no half of a story that the model knows is among them.`);
lesson.sample({
  text: trainDocuments[0]!.slice(0, 700),
  caption: 'How the first document for training begins.',
  lines: 8,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('A tokenizer of 512 tokens');

lesson.say(`
  Byte-pair encoding begins with the 256 bytes and joins, again and again, the two neighbouring tokens that occur together most
  often. Before it begins, a pattern cuts the text into words (here GPT-4's), and no token crosses from one word to the next.
  The first 20 documents for training are enough for the ${vocabSize - 256} merges that we want.`);
const json = await trainBpe(trainDocuments.slice(0, 20).join('\n'), {
  vocabSize,
  onProgress: ({ stage, done }) => lesson.progress(`byte-pair encoding: ${stage}, ${grouped(done)}`),
});
const tokenizer = createTokenizer(json);
if (tokenizer.vocabSize < vocabSize) {
  throw new ConfigError(
    '--data',
    `The first twenty documents for training must have enough frequent pairs for ${vocabSize} tokens, but they give ${tokenizer.vocabSize}; name longer documents.`,
  );
}
const longest = tokenizer.longestTokens(20).map(({ bytes }) => new TextDecoder().decode(bytes));
lesson.table({
  columns: ['merge', 'token', 'merge', 'token', 'merge', 'token'],
  rows: Array.from({ length: 6 }, (_, i) =>
    [0, 6, 250].flatMap((first) => [String(first + i + 1), spelled(256 + first + i)]),
  ),
  caption:
    'The first twelve merges and the last six: first frequent pairs of letters, at the end whole words.',
});
lesson.say(`The longest tokens: ${longest.map(asCode).join(', ')}.`);
lesson.figure({
  html: tokensToHtml(visualise(tokenizer, trainDocuments[0]!.slice(0, 260))),
  caption: 'The beginning of the first document in tokens.',
});

const trainTokens = tokenize(tokenizer, trainDocuments.join('\n'));
const testTokens = tokenize(tokenizer, testDocuments.join('\n'));
lesson.say(`
  The documents of each part are joined with line ends and encoded: ${grouped(trainTokens.length)} tokens to train on,
  ${grouped(testTokens.length)} to test on, ${(trainDocuments.join('\n').length / trainTokens.length).toFixed(2)} characters a token.`);
if (known) {
  const minbpe = "minbpe's RegexTokenizer";
  lesson.check('tokens to train on', trainTokens.length, { equals: known.trainTokens }, minbpe);
  lesson.check('tokens to test on', testTokens.length, { equals: known.testTokens }, minbpe);
  lesson.check(
    'length of the longest token',
    longest[0]!.length,
    { equals: known.longest.length },
    `${minbpe}: “${known.longest}”`,
  );
}

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('The model');

const model = new MLPLanguageModel({ vocabSize, blockSize, nEmbd, nHidden, rng: rng.fold('init') });
const count = countParameters(model);
lesson.say(`
  The bigram's table has a row for each context of one token. For contexts of ${blockSize} tokens it would need
  ${vocabSize}^${blockSize} rows, and nearly none of them would ever occur twice. The idea of 2003: **similar contexts should
  have similar predictions**. So each token gets a vector of ${nEmbd} numbers, which is learnt too; the vectors of the last
  ${blockSize} tokens are laid side by side; a layer of ${nHidden} units combines them; and an output layer gives a logit for
  each of the ${vocabSize} tokens.`);
lesson.formula('e = [E_{x1}, …, E_{x32}]     h = tanh(W_1 e + b_1)     logits = W_2 h + b_2');
lesson.table({
  columns: ['parameter', 'shape', 'numbers', 'what it does'],
  rows: [...parameters(model)].map(([name, { shape, size }]) => [
    name,
    `[${shape.join(', ')}]`,
    grouped(size),
    ROLES[name] ?? '',
  ]),
  caption: `${grouped(count)} parameters. Most of them are in the hidden layer: ${blockSize} · ${nEmbd} = ${grouped(blockSize * nEmbd)} inputs times ${nHidden} units.`,
});
lesson.check(
  'parameters',
  count,
  { equals: vocabSize * nEmbd + (blockSize * nEmbd + 1) * nHidden + (nHidden + 1) * vocabSize },
  'V·C + (T·C + 1)·H + (H + 1)·V',
);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Batches and the measure');

lesson.say(`
  \`getBatch\` takes ${batchSize} random places of a part; the ${blockSize} tokens from there are the context, and the one
  that follows is the target: \`[B, T] = [${batchSize}, ${blockSize}]\` inputs, \`[B] = [${batchSize}]\` targets.`);

const getBatch = batches({ tokens: trainTokens, blockSize, batchSize, rng: rng.fold('train') });
/** The last target of each row: what follows the whole context. `[B, T]` → `[B]` */
const targetsOf = ({ targets }: TokenBatch) => targets.filter((_, i) => (i + 1) % blockSize === 0);

const first = getBatch(0);
lesson.table({
  columns: ['context (its last eight tokens)', 'target'],
  rows: [0, 1, 2, 3].map((i) => [
    pieces(first.inputs.subarray((i + 1) * blockSize - 8, (i + 1) * blockSize)),
    pieces(targetsOf(first).subarray(i, i + 1)),
  ]),
  caption: 'Four rows of the first batch.',
});

/** The mean loss over some random batches of a part: a quick look, with some noise. */
async function estimateLoss(tokens: TokenStream): Promise<number> {
  const look = batches({ tokens, blockSize, batchSize, rng: rng.fold('estimates') });
  const looks = Array.from({ length: isGlance ? 1 : flags.quick ? 20 : 100 }, (_, i) => look(i));
  return (await evaluate({ model, batches: looks })).loss;
}

lesson.say(`
  \`estimateLoss\` averages the loss over some random batches: quick, but it wavers. What counts at the end is the mean over
  **every** token of the test part that has a full context before it, in nats per token. Blind guessing costs ln ${vocabSize} =
  ${Math.log(vocabSize).toFixed(2)}.`);
const measuredTokens = isGlance ? testTokens.subarray(0, 600) : testTokens;
const everyTestToken = windows({
  tokens: measuredTokens,
  blockSize: 8 * blockSize,
  batchSize: 8,
  overlap: blockSize - 1,
});

const prompt = trainDocuments[1]!.slice(0, 40);
const writtenBefore = await write(120);
lesson.say('Before training, top-5 sampling (each token is drawn from the five likeliest) gives:');
lesson.sample({
  text: `${prompt}${writtenBefore}`,
  caption: 'Before training, 120 tokens after the beginning of a document.',
  lines: 6,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Training');

const byHand = Math.min(100, steps);
const interval = Math.floor(steps / (isGlance ? 2 : 10));
lesson.say(`
  ${grouped(steps)} steps of AdamW with learning rate ${learningRate}, on ${backend.name} (${backend.description}). The first
  ${grouped(byHand)} are written out here: batch, loss, gradients, step. After that \`train\` of \`@minigpt/training\` goes on from where
  the optimizer stands: it takes the very same steps and, where the backend can, compiles them, which is faster.`);

const trained = parameters(model);
const optimizer = adamW({ parameters: trained });
const curve: LossPoint[] = [];
const tests: LossPoint[] = [];
const rows: string[][] = [];

/** Takes note of a step, and looks at both parts ten times in the run. */
async function tell(step: number, loss: number): Promise<void> {
  curve.push({ step, loss });
  lesson.progress(`step ${step}/${steps}  loss ${loss.toFixed(3)}`);
  if (step % interval === 0) await look(step);
}

async function look(step: number): Promise<void> {
  const [train, test] = [await estimateLoss(trainTokens), await estimateLoss(testTokens)];
  tests.push({ step, loss: test });
  rows.push([grouped(step), train.toFixed(3), test.toFixed(3), elapsed()]);
}

await look(0);
for (let step = 0; step < byHand; step++) {
  const batch = getBatch(step);
  const { value, grads } = valueAndGrads(() => {
    const logits = model.call(tensor2d(batch.inputs, [batchSize, blockSize], 'int32')); // [B, 1, V]
    return crossEntropy(reshape(logits, [batchSize, vocabSize]), tensor1d(targetsOf(batch), 'int32'));
  }, trained);
  optimizer.step(grads, learningRate);

  const [loss] = await value.data();
  dispose([value, ...grads.values()]);
  await tell(step + 1, loss!);
}
for await (const event of train({
  model,
  optimizer, // which has taken the first steps
  batch: getBatch,
  schedule: constant(learningRate),
  maxIters: steps,
  gradClip: 0,
})) {
  if (event.type === 'step') await tell(event.step, event.loss);
}
optimizer.dispose();

lesson.table({
  columns: ['step', 'train (estimate)', 'test (estimate)', 'elapsed'],
  rows,
  caption:
    'Nats per token, estimated on random batches. Where train falls and test does not, the model learns by heart.',
});
lesson.figure({
  name: 'loss',
  html: lossCurve({
    title: 'Loss of the neural probabilistic language model',
    train: curve,
    validation: tests,
  }),
  caption: 'Each batch (pale), their mean, and the estimates on the test part (dots).',
});

const measured = await evaluate({ model, batches: everyTestToken });
const counted = countedLoss(trainTokens, measuredTokens, vocabSize);
lesson.say(`
  Over ${isGlance ? 'the first' : 'all'} ${grouped(measured.tokens)} test tokens that have a full context the loss is **${measured.loss.toFixed(3)}** nats per
  token: as if the model chose among ${Math.exp(measured.loss).toFixed(1)} equally likely tokens, instead of ${vocabSize}. Counting gives
  ${counted.tokens.toFixed(3)} by how frequent each token is, and ${counted.pairs.toFixed(3)} by a table of what follows what (smoothed as Witten and Bell do,
  1991). ${
    counted.pairs < measured.loss
      ? 'So the table still predicts better than the network: among so few tokens pairs are seldom rare, and counting them wastes nothing. Bengio et al. mixed their network with a table for that reason.'
      : 'The network predicts better than the table: it has seen what no two tokens tell.'
  }`);
if (known && steps >= 10_000) {
  lesson.check('test loss, nats per token', measured.loss, { atMost: known.loss }, 'PyTorch: 3.319');
} else {
  lesson.check(
    'test loss against counted tokens',
    measured.loss,
    { atMost: isGlance ? Math.log(vocabSize) : counted.tokens },
    isGlance ? `ln ${vocabSize}` : 'how frequent each token is',
  );
}

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('What it has learnt');

const writtenAfter = await write(flags.quick ? 120 : 300);
lesson.sample({ text: `${prompt}${writtenAfter}`, caption: 'After training, with top-5 sampling.' });

const word = tokenizer.encode(' little').length === 1 ? ' little' : ' the';
const neighbours = await nearest(tokenizer.encode(word)[0]!);
lesson.say(`
  And the vectors? Tokens that are used alike should have come to lie near each other. These have the largest cosine with
  \`${word}\`:`);
lesson.figure({
  name: 'neighbours',
  html: barChart({
    title: `Nearest to “${word}”`,
    bars: neighbours.map(({ id, cosine }) => ({
      label: spelled(id),
      value: Math.max(0, cosine),
      note: cosine.toFixed(2),
    })),
    color: 2,
  }),
  caption:
    'Cosine of the embedding vectors; 0 would be unrelated. At 512 tokens and a million words the likeness is faint, but not by chance.',
});

lesson.chapter('Exercises');
lesson.say(`
  The answers are programs in the folder \`exercises/\` of this recipe.

  1. How much of the context does the model use? Train it with 2, 4, 8, 16 and 32 tokens and compare. (\`1-context.ts\`)
  2. Bengio et al. add direct connections from the vectors to the logits. Do they help here? (\`2-direct.ts\`)
  3. Write greedily instead of with top-5 sampling. What happens, and why? (\`3-greedy.ts\`)`);
lesson.finish();

if (known && !flags.quick && steps >= 10_000) {
  publish({
    recipe: 'mlp',
    text: known.name,
    run: `\`pnpm recipe mlp --data FILE --backend ${backend.name} --seed ${flags.seed}\`, ${elapsed()} on \`${backend.name}\`.`,
    checks: lesson.checks,
    readme: here('README.md'),
    docs: {
      page: here('../../../docs/recipes.md'),
      folder: flags.out,
      figures: [{ name: 'loss', caption: 'Loss of the neural probabilistic language model' }],
      sample: `${prompt}${writtenAfter}`,
    },
  });
}

// ---------------------------------------------------------------------------------------------------------------------

/** Continues the beginning of a document, drawing each token from the five likeliest. */
async function write(length: number): Promise<string> {
  let written = '';
  const options = { maxNewTokens: length, topK: 5, rng: rng.fold('sample') };
  for await (const piece of generateText(model, tokenizer, prompt, options)) written += piece.text;
  return written;
}

/** The ten tokens whose vectors have the largest cosine with that of a token. */
async function nearest(of: number) {
  const table = await model.wte.weight.data(); // [V, C]
  const row = (id: number) => table.subarray(id * nEmbd, (id + 1) * nEmbd);
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).reduce((sum, x, i) => sum + x * b[i]!, 0);
  const cosine = (id: number) =>
    dot(row(id), row(of)) / Math.sqrt(dot(row(id), row(id)) * dot(row(of), row(of)));
  return Array.from({ length: vocabSize - 256 }, (_, i) => ({ id: 256 + i, cosine: cosine(256 + i) }))
    .filter(({ id }) => id !== of)
    .sort((a, b) => b.cosine - a.cosine)
    .slice(0, 10);
}

/** A token for a label, its spaces visible. */
function spelled(id: number): string {
  return oneLine(tokenizer.decode([id])).replaceAll(' ', '␣');
}

/** A token in prose, whatever is in it. */
function asCode(token: string): string {
  return `\`${oneLine(token).replaceAll('`', '′')}\``;
}

/** Tokens one by one, a bar between them. */
function pieces(ids: Iterable<number>): string {
  return Array.from(ids, spelled).join('|');
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
