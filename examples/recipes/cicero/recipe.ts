/**
 * Letters to Atticus: from an XML edition to a Transformer, built piece by piece, and a look inside it.
 *
 *   pnpm recipe cicero [--data FILE|URL|DIR|GLOB] [--quick]
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { selectBackend } from '@minigpt/backends';
import {
  ConfigError,
  countParameters,
  dispose as disposeModel,
  type LanguageModel,
  parameters,
  Rng,
  type TokenBatch,
  valueAndGrads,
} from '@minigpt/core';
import { batches, normalizeNewlines, splitTokens, tokenize, windows } from '@minigpt/data';
import { readMobyDick, readTexts } from '@minigpt/data/node';
import { letterText, readLetters } from '@minigpt/data/tei';
import { attentionMaps, logitLens, tap } from '@minigpt/inspect';
import { Bigram } from '@minigpt/models';
import { attentionMask, crossEntropy, matMul } from '@minigpt/ops';
import { barChart, heatMap, type LossPoint, lineChart, lossCurve } from '@minigpt/report';
import {
  duration,
  grouped,
  integer,
  Lesson,
  oneLine,
  positiveInteger,
  publish,
  type RecipeFlags,
  recipeCommand,
} from '@minigpt/report/node';
import { generateText } from '@minigpt/sampling';
import { characterTokenizer, type Tokenizer } from '@minigpt/tokenizers';
import { loadEncoding } from '@minigpt/tokenizers/node';
import { adamW, constant, evaluate, train } from '@minigpt/training';
import * as tf from '@tensorflow/tfjs-core';
import { LetterModel, type LetterModelOptions, MultiHeadAttention } from './letter-model.ts';

interface Flags extends RecipeFlags {
  readonly steps: number;
  readonly cl100kSteps: number;
}

const command = recipeCommand({
  name: 'cicero',
  description: 'Builds a Transformer piece by piece, trains it on letters, and looks inside it.',
  data: 'letters in TEI, or a UTF-8 text: file, folder, glob or address; without it, Moby Dick',
  examples: [
    'pnpm recipe cicero --quick',
    'pnpm recipe cicero --data atticus.xml --backend node',
    'pnpm recipe cicero --data atticus.xml --cl100k-steps 1000',
  ],
})
  .option('--steps <n>', 'steps of the whole model (default: 5000, or 100 with --quick)', positiveInteger)
  .option(
    '--cl100k-steps <n>',
    'steps of the model with 100,277 tokens (default: 20, or none with --quick)',
    integer,
  )
  .parse();
const given = command.opts<RecipeFlags & Partial<Flags>>();
const began = performance.now();
const elapsed = () => duration((performance.now() - began) / 1000);
const backend = await selectBackend(given.backend);
const isGlance = given.quick && backend.name === 'cpu'; // plain JavaScript takes seconds a step
const flags: Flags = {
  ...given,
  steps: given.steps ?? (isGlance ? 10 : given.quick ? 100 : 5_000),
  cl100kSteps: given.cl100kSteps ?? (given.quick ? 0 : 20),
};

/** Corpora whose numbers are known, by the SHA-256 of the text that is learnt from. */
const KNOWN = {
  a1aee79559954ba8e246b6e373411529a6a0ef6ce31966b99bc9f3123022a103: {
    name: 'Letters to Atticus',
    characters: 825_568,
    letters: 446,
    vocabulary: 203,
    bigram: 4.46,
    loss: 1.66,
  },
} as Readonly<Record<string, Known>>;
interface Known {
  readonly name: string;
  readonly characters: number;
  readonly letters: number;
  readonly vocabulary: number;
  readonly bigram: number;
  readonly loss: number;
}

const blockSize = 32; // T
const batchSize = 16; // B
const nEmbd = 64; // C
const nHead = 4; // H
const nLayer = 4;
const learningRate = flags.quick ? 4e-3 : 1e-3; // a short run takes larger steps

const rng = new Rng(flags.seed);
const lesson = new Lesson({
  title: 'Letters to Atticus',
  lead: 'From an XML edition of Cicero’s letters to a Transformer that writes Latin: the data, a baseline, attention in three ways that are one, the model piece by piece, and what goes on inside it when it reads.',
  folder: flags.out,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('From XML to text');

const sampleXml = readFileSync(here('sample.xml'), 'utf8');
const [sampleLetter] = readLetters(sampleXml, 'sample.xml');
lesson.say(`
  Scholarly editions are published in TEI, an XML vocabulary that marks books, letters, date lines, salutations and much
  that a model should not read: page numbers, editors' notes, a header about who funded the work. A reader of the data has
  to know what it looks for. This is a letter as the edition has it:`);
lesson.sample({
  text: sampleXml
    .slice(sampleXml.indexOf('<div type="textpart" n="2"'), sampleXml.indexOf('</body>'))
    .trimEnd(),
  caption: 'TEI P5: `div[@subtype=letter]`, and in it a `seg` for the date line and one for the salutation.',
});
lesson.say(`
  \`readLetters\` takes from it a date line, a salutation and a text, each with its white space collapsed to single spaces.
  The older form of such editions, TEI P4, has \`div2\`, \`dateline\` and \`salute\` instead; it is read too. Files from
  strangers can be made to harm their reader, so entities that a document declares are never expanded, nothing outside the
  document is opened, and depth and length have limits.`);
lesson.sample({ text: letterText(sampleLetter!), caption: 'The same letter, as the model will see it.' });

const letters: string[] = [];
if (flags.data === undefined) {
  letters.push(...normalizeNewlines(await readMobyDick()).split(/\n+(?=CHAPTER \d)/));
} else {
  for await (const { name, text } of readTexts(flags.data)) {
    if (text.trimStart().startsWith('<')) letters.push(...readLetters(text, name).map(letterText));
    else letters.push(normalizeNewlines(text));
  }
}
const text = letters.join('\n\n');
const known = KNOWN[createHash('sha256').update(text).digest('hex')];
const kind = known ? 'letters' : flags.data === undefined ? 'chapters' : 'documents';

const tokenizer = characterTokenizer.train(text);
const V = tokenizer.vocabSize;
const { train: trainTokens, validation } = splitTokens(tokenize(tokenizer, text));
if (validation.length <= blockSize) {
  throw new ConfigError(
    '--data',
    `The last tenth of the text is held out and must have more than ${blockSize} characters, but it has ${validation.length}; name a longer text.`,
  );
}
const batch = batches({ tokens: trainTokens, blockSize, batchSize, rng: rng.fold('batches') });
const everyHeldOut = windows({ tokens: validation, blockSize, batchSize: 128 });
/** What larger models are measured on: a short run has no time for the whole tenth. */
const measuredTokens = isGlance ? 1_024 : flags.quick ? 8_192 : validation.length;
const heldOut =
  measuredTokens < validation.length
    ? windows({ tokens: validation.subarray(0, measuredTokens + 1), blockSize, batchSize: 32 })
    : everyHeldOut;

lesson.say(`
  The corpus is **${known?.name ?? flags.data ?? 'Moby-Dick, since no edition was named with --data'}**:
  ${grouped(letters.length)} ${kind} with a blank line between them, ${grouped(text.length)} characters, ${V} of them
  distinct. A token is a character. The last tenth, ${grouped(validation.length)} tokens, is held out${
    heldOut === everyHeldOut
      ? ''
      : `; in this short run Transformers are measured on its first ${grouped(measuredTokens)}`
  }.`);
if (known) {
  lesson.check('letters', letters.length, { equals: known.letters }, 'the edition');
  lesson.check('characters', text.length, { equals: known.characters }, 'the edition');
  lesson.check('distinct characters', V, { equals: known.vocabulary }, 'the edition');
}

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('A baseline');

lesson.say(`
  Before anything clever, something simple to be compared with: the bigram model, a table \`[V, V] = [${V}, ${V}]\` whose
  row says what follows each character. Training is a loop: take ${batchSize} random windows of ${blockSize} characters
  (\`[B, T]\`), compute the loss of guessing each next character, differentiate it by every parameter, and let AdamW take
  a step with learning rate 1e-3. The loss that is reported is the mean over the whole held-out tenth, in nats per
  character; guessing blindly costs ln ${V} = ${Math.log(V).toFixed(2)}.`);

/** The training loop: a batch, its loss, the gradient of every parameter, a step of AdamW. */
async function trainByHand(name: string, model: LanguageModel, steps: number, rate: number): Promise<number> {
  const trained = parameters(model);
  const optimizer = adamW({ parameters: trained });
  for (let step = 1; step <= steps; step++) {
    const { inputs, targets } = batch(step);
    const { value, grads } = valueAndGrads(() => {
      const logits = model.call(tf.tensor2d(inputs, [batchSize, blockSize], 'int32')); // [B, T, V]
      return crossEntropy(tf.reshape(logits, [batchSize * blockSize, V]), tf.tensor1d(targets, 'int32'));
    }, trained);
    optimizer.step(grads, rate);

    const [loss] = await value.data();
    tf.dispose([value, ...grads.values()]);
    lesson.progress(`${name}: step ${step}/${steps}  loss ${loss!.toFixed(3)}`);
  }
  optimizer.dispose();
  return (await evaluate({ model, batches: everyHeldOut })).loss;
}

const bigram = new Bigram({ vocabSize: V, blockSize, rng: rng.fold('bigram') });
const bigramSteps = isGlance ? 200 : 1_000;
const bigramLoss = await trainByHand('bigram', bigram, bigramSteps, 1e-3);
const bigramSample = await write(bigram, tokenizer, [trainTokens[0]!], 200);
disposeModel(bigram);
lesson.sample({
  text: bigramSample,
  caption: `The bigram after ${grouped(bigramSteps)} steps. Held-out loss: ${bigramLoss.toFixed(3)}.`,
  lines: 5,
});
if (known && !isGlance)
  lesson.check(
    'the bigram after 1,000 steps',
    bigramLoss,
    { near: known.bigram, within: 0.05 },
    'PyTorch: 4.46',
  );

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Averaging over the past, in three ways');

lesson.say(`
  The bigram sees one character. The simplest way to see more is to give each position the **mean of everything up to
  it**. It can be computed in three ways, and the third is the door to attention. Take a small table \`x\` of \`[T, C]
  = [8, 2]\` numbers.

  1. A **loop** over the positions, each of which averages the rows up to its own.
  2. A **matrix product** with a triangular table whose row *t* has *1 / (t + 1)* in its first *t + 1* places.
  3. A **softmax of a masked table**: begin with zeros, put −∞ wherever a position would look into its future, and let
  the softmax of each row make weights of it. Equal scores give equal weights, so this is the same mean again.`);

const T = 8;
const x = tf.tensor2d(rng.fold('averages').normal(T * 2), [T, 2]); // [T, C]
const averages = tf.tidy(() => {
  const looped = tf.stack(Array.from({ length: T }, (_, t) => tf.mean(tf.slice(x, [0, 0], [t + 1, 2]), 0))); // [T, C]

  const ones = tf.linalg.bandPart(tf.ones([T, T]), -1, 0); // [T, T], 0 above the diagonal
  const triangular = tf.div(ones, tf.sum(ones, -1, true)); // [T, T]
  const multiplied = matMul(triangular, x); // [T, C]

  const steps = Int32Array.from({ length: T }, (_, t) => t);
  const scores = tf.add(tf.zeros([T, T]), attentionMask(steps, steps)!); // [T, T]: 0, or −1e9 for the future
  const weighted = matMul(tf.softmax(scores), x); // [T, C]

  const difference = tf.max(tf.abs(tf.stack([tf.sub(looped, multiplied), tf.sub(looped, weighted)])));
  return {
    x: x.arraySync(),
    looped: looped.arraySync() as number[][],
    difference: difference.dataSync()[0]!,
  };
});
x.dispose();
lesson.table({
  columns: ['t', 'x[t]', 'mean of x[0…t]'],
  rows: averages.x.map((row, t) => [String(t), pair(row), pair(averages.looped[t]!)]),
  caption: 'The last row is the mean of all eight. The three ways differ in rounding only.',
});
lesson.check(
  'largest difference between the three ways',
  averages.difference,
  { atMost: 1e-6 },
  'they are the same mean',
);
lesson.say(`
  In the third form the scores need not be zeros. Let them depend on what stands at the two positions, and each position
  decides for itself **what of the past it looks at**. That is attention.`);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('One head of attention');

lesson.say(`
  Each position gives out three vectors, each by a matrix of its own: a **query** (what do I look for?), a **key** (what
  do I have?) and a **value** (what do I say, if I am looked at?). The score of position *t* for position *s* is the
  product of the query of *t* with the key of *s*; the future is masked; softmax makes weights; and the output is the
  weighted mean of the values (Vaswani et al. 2017).`);
lesson.formula('A = softmax(Q K^T · s + mask)     out = A V');
lesson.say(`
  Shapes: \`Q\`, \`K\`, \`V\` are \`[B, T, D]\`, the weights \`A\` are \`[B, T, T]\`, the output is \`[B, T, D]\`. The
  factor *s* keeps the scores small, so that softmax is not sure of itself before it has learnt anything. Usual is
  *s = 1/√D*, one over the root of the head's size; the lesson that this recipe follows has *1/√C*, one over the root of
  the model's width. With four heads that is half as much, and we will see whether it matters.`);

/** One head as it is written on paper; `[B, T, C]` → `[B, T, D]`. The matrices of query, key and value are `[C, D]`. */
function oneHead(x: tf.Tensor3D, [wq, wk, wv]: readonly tf.Tensor2D[], scale: number): tf.Tensor3D {
  const [b, t, c] = x.shape;
  const project = (w: tf.Tensor2D): tf.Tensor3D =>
    tf.reshape(tf.matMul(tf.reshape(x, [b * t, c]), w), [b, t, w.shape[1]]); // [B, T, D]
  const [q, k, v] = [project(wq!), project(wk!), project(wv!)];
  const columns = Int32Array.from({ length: t }, (_, i) => i);
  const scores = tf.mul(matMul<tf.Tensor3D>(q, k, { transposeB: true }), scale); // [B, T, T]
  const weights = tf.softmax(tf.add<tf.Tensor3D>(scores, attentionMask(columns, columns)!)); // [B, T, T]
  return matMul<tf.Tensor3D>(weights, v); // [B, T, D]
}

lesson.say(`
  **Several heads** are several of these side by side, each with ${nEmbd / nHead} of the ${nEmbd} channels, joined and mixed by
  one more matrix. In the model they are computed together, as one product with the dimensions \`[B, H, T, D]\`. Written
  out head by head, as in the formula, and computed together, as in the model, they must give the same:`);
const together = new MultiHeadAttention({ nEmbd, nHead, scale: nEmbd ** -0.5 }, rng.fold('compared'));
const headDifference = tf.tidy(() => {
  const input = tf.tensor3d(rng.fold('input').normal(2 * T * nEmbd), [2, T, nEmbd]); // [B, T, C]
  const size = nEmbd / nHead;
  const heads = Array.from({ length: nHead }, (_, h) => {
    const rows = (part: number) =>
      tf.transpose(
        tf.slice(
          together.qkv.weight as tf.Tensor as tf.Tensor2D,
          [part * nEmbd + h * size, 0],
          [size, nEmbd],
        ),
      );
    return oneHead(input, [rows(0), rows(1), rows(2)] as tf.Tensor2D[], nEmbd ** -0.5); // [B, T, D]
  });
  const byHand = together.proj.call(tf.concat(heads, -1)); // [B, T, C]
  return tf.max(tf.abs(tf.sub(byHand, together.call(input)))).dataSync()[0]!;
});
disposeModel(together);
lesson.check(
  'heads one by one and together: largest difference',
  headDifference,
  { atMost: 1e-5 },
  'the same sums',
);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Piece by piece');

lesson.say(`
  Now the model grows, one piece at a time, and each stage is trained for the same number of steps. The steps are those of the loop above;
  \`train\` of \`@minigpt/training\` takes them here, since it compiles them where the backend can:

  - **One head**: token embedding plus position embedding, one head, an output layer.
  - **${nHead} heads**: the same channels, but ${nHead} places to look at at once.
  - **Feed-forward**: attention lets positions communicate; a small network with ReLU, for each position by itself, lets
  them compute with what they got.
  - **Blocks**: ${nLayer} of these on top of each other. Deep stacks train badly unless each piece *adds* to what is
  there: \`x = x + piece(x)\`, the **residual stream** (He et al. 2015).
  - **Norms**: each piece reads a copy of the stream that is scaled to mean 0 and variance 1 (\`LayerNorm\`, Ba et al. 2016).`);

const shape = { vocabSize: V, blockSize, nEmbd, nHead, nLayer, scale: nEmbd ** -0.5 };
const stages: readonly (readonly [string, Partial<LetterModelOptions>])[] = [
  ['one head', { nLayer: 1, nHead: 1, feedForward: false, residual: false, norm: false }],
  [`${nHead} heads`, { nLayer: 1, feedForward: false, residual: false, norm: false }],
  ['+ feed-forward', { nLayer: 1, residual: false, norm: false }],
  [`${nLayer} blocks, no residual stream`, { residual: false, norm: false }],
  [`${nLayer} blocks with residual stream`, { norm: false }],
  ['+ norms: the whole', {}],
];
const stageSteps = isGlance ? 1 : flags.quick ? 25 : 300;
const stageRows: (string | number)[][] = [];
for (const [name, pieces] of stages) {
  const model = new LetterModel({ ...shape, ...pieces, rng: rng.fold('stages') });
  const optimizer = adamW({ parameters: parameters(model) });
  for await (const event of train({
    model,
    optimizer,
    batch,
    schedule: constant(flags.quick ? learningRate : 1e-3),
    maxIters: stageSteps,
    gradClip: 0, // the lesson does without
  })) {
    if (event.type === 'step')
      lesson.progress(`${name}: step ${event.step}/${stageSteps}  loss ${event.loss.toFixed(3)}`);
  }
  optimizer.dispose();
  const { loss } = await evaluate({ model, batches: heldOut });
  stageRows.push([name, grouped(countParameters(model)), loss.toFixed(3)]);
  disposeModel(model);
}
lesson.table({
  columns: ['model', 'parameters', 'held-out loss'],
  rows: [[`bigram (${grouped(bigramSteps)} steps)`, grouped(V ** 2), bigramLoss.toFixed(3)], ...stageRows],
  caption: `Each after ${grouped(stageSteps)} steps; nats per character. Depth does harm without the residual stream and helps with it.`,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('The whole, trained');

const model = new LetterModel({ ...shape, rng: rng.fold('init') });
lesson.say(`
  The whole has width ${nEmbd}, ${nHead} heads, ${nLayer} blocks, a context of ${blockSize} characters, and
  ${grouped(countParameters(model))} parameters. It is trained for ${grouped(flags.steps)} steps on ${backend.name}
  (${backend.description}), once with its scores scaled by *1/√C* as the lesson has it, and once by *1/√D*.`);

/** Takes all steps and follows the events of the run: a loss for each step, and the held-out loss at intervals. */
async function follow(name: string, model: LanguageModel, steps: number, options: Followed) {
  const losses: LossPoint[] = [];
  const measured: LossPoint[] = [];
  const optimizer = adamW({ parameters: parameters(model) });
  for await (const event of train({
    model,
    optimizer,
    batch: options.batch,
    schedule: constant(options.rate),
    maxIters: steps,
    gradClip: 0,
    validation: options.validation,
    evalInterval: Math.ceil(steps / (isGlance ? 2 : 10)),
  })) {
    if (event.type === 'step') {
      losses.push({ step: event.step, loss: event.loss });
      lesson.progress(`${name}: step ${event.step}/${steps}  loss ${event.loss.toFixed(3)}`);
    }
    if (event.type === 'evaluation') measured.push({ step: event.step, loss: event.loss });
  }
  optimizer.dispose();
  return { losses, measured, loss: measured.at(-1)!.loss };
}
interface Followed {
  readonly batch: (index: number) => TokenBatch;
  readonly validation: Iterable<TokenBatch>;
  readonly rate: number;
}

const run = await follow('width^-1/2', model, flags.steps, {
  batch,
  validation: heldOut,
  rate: learningRate,
});
const usual = new LetterModel({ ...shape, scale: (nEmbd / nHead) ** -0.5, rng: rng.fold('init') });
const usualRun = await follow('head^-1/2', usual, flags.steps, {
  batch,
  validation: heldOut,
  rate: learningRate,
});
disposeModel(usual);
const seen = windows({
  tokens: trainTokens.subarray(0, measuredTokens + 1),
  blockSize,
  batchSize: 128,
});
const trainLoss = (await evaluate({ model, batches: seen })).loss;

lesson.figure({
  name: 'loss',
  html: lossCurve({
    title: `Loss on ${known?.name ?? 'the text'}`,
    train: run.losses,
    validation: run.measured,
  }),
  caption: `The model with scores scaled by *1/√C*. On as much text of the training part the loss is ${trainLoss.toFixed(3)}, on the held-out text ${run.loss.toFixed(3)}: it has not learnt the letters by heart.`,
});
const curve = (of: readonly LossPoint[]) => of.map(({ step, loss }) => ({ x: step, y: loss }));
lesson.figure({
  name: 'scales',
  html: lineChart({
    title: 'Two ways to scale the scores',
    xLabel: 'step',
    yLabel: 'held-out loss, nats per character',
    series: [
      { name: 'C^-1/2, the lesson', points: curve(run.measured.slice(1)), style: 'dots', color: 0 },
      { name: 'D^-1/2, the usual', points: curve(usualRun.measured.slice(1)), style: 'dots', color: 3 },
    ],
  }),
  caption: `After ${grouped(flags.steps)} steps: ${run.loss.toFixed(3)} and ${usualRun.loss.toFixed(3)}. A model can undo a wrong factor by larger queries and keys; at this size the choice hardly shows.`,
});
if (known && flags.steps >= 5_000) {
  lesson.check(
    'the whole, scores by width^-1/2',
    run.loss,
    { atMost: known.loss },
    'PyTorch: 1.642 (train 1.649)',
  );
}
lesson.check(
  'the whole against the bigram',
  run.loss,
  { atMost: bigramLoss },
  'it sees 32 characters, not one',
);

const start = tokenizer.encode(text.slice(0, 1));
const latin = await write(model, tokenizer, start, flags.quick ? 300 : 2_000);
lesson.sample({ text: latin, caption: `${grouped(latin.length)} characters that the model wrote.` });

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('What goes on inside');

const shown = validation.subarray(0, blockSize); // [T]
const labels = Array.from(shown, (id) => visible(tokenizer.decode([id])));
lesson.say(`
  The model reads ${blockSize} held-out characters, \`${oneLine(tokenizer.decode(shown))}\`, while we look at what passes
  through it with \`@minigpt/inspect\`, which sees every activation by its name.

  First the attention weights: for each of the ${nLayer} × ${nHead} heads a table \`[T, T]\` whose row *t* says how much
  position *t* looks at each earlier one. Some heads look at the character before, some at the last space or at the
  beginning of the word, some at everything.`);
for (const [layer, heads] of (await attentionMaps(model, shown)).entries()) {
  lesson.figures({
    figures: heads.map(({ data }, head) => ({
      name: `attention-${layer}-${head}`,
      html: heatMap({
        title: `Block ${layer}, head ${head}`,
        rows: labels,
        columns: labels,
        values: data, // [T, T]
        color: layer,
        cell: 10,
      }),
    })),
    caption: `Block ${layer}: what each of its heads looks at. Row: the position that looks; column: what it looks at.`,
  });
}

const units = [...(await tap(model, shown, 'blocks.*.ffwd.relu')).values()]; // each [1, T, 4 C]
const silent = units.map(({ data }) => data.filter((value) => value === 0).length / data.length);
lesson.say(`
  Then the **activations** of the feed-forward networks, \`[T, 4 C] = [${blockSize}, ${4 * nEmbd}]\` numbers a block.
  ReLU lets a unit speak or silences it: ${silent.map((share, layer) => `${Math.round(100 * share)} % are 0 in block ${layer}`).join(', ')}.`);
lesson.figure({
  html: heatMap({
    title: `Block ${nLayer - 1}: units of the feed-forward network`,
    xLabel: 'unit, the first 96',
    rows: labels,
    columns: Array.from({ length: 96 }, () => ''),
    values: labels.flatMap((_, t) =>
      Array.from(units.at(-1)!.data.subarray(t * 4 * nEmbd, t * 4 * nEmbd + 96)),
    ),
    color: 4,
  }),
  caption:
    'Each row is a character that is read, each column a unit. A unit that speaks at several places has found something that they have in common.',
});

lesson.say(`
  Last the **logit lens** (nostalgebraist 2020): every block adds to the same stream \`[T, C]\`, so the final norm and the
  output layer can be applied early, to ask what the model *would* say after each block. The guess grows from block to
  block.`);
const lens = await logitLens(model, shown, { topK: 1 });
const after = (layer: number) => (layer === 0 ? 'embedding' : `block ${layer - 1}`);
const positions = Array.from({ length: 8 }, (_, i) => blockSize - 9 + i);
lesson.table({
  columns: ['after', ...positions.map((t) => `${labels[t]} → ${labels[t + 1]}`)],
  rows: lens.map(({ predictions }, layer) => [
    after(layer),
    ...positions.map((t) => {
      const { id, logProbability } = predictions[t]!.top[0]!;
      return `${visible(tokenizer.decode([id]))} ${Math.round(100 * Math.exp(logProbability))} %`;
    }),
  ]),
  caption:
    'The likeliest next character and its probability. Above each column: the character that is read and the one that follows it in the text.',
});
const surprise = lens.map(({ predictions }) =>
  mean(predictions.flatMap(({ next }) => (next ? -next.logProbability : []))),
);
lesson.figure({
  name: 'lens',
  html: barChart({
    title: 'Loss when the stream is read after each block',
    bars: surprise.map((nats, i) => ({
      label: after(i),
      value: nats,
      note: `${nats.toFixed(2)} nats`,
    })),
    color: 5,
  }),
  caption: `The mean over these ${blockSize - 1} characters. The embedding alone cannot do better than a bigram.`,
});
disposeModel(model);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('The same with 100,277 tokens');

const cl100k = await loadEncoding('cl100k_base');
const big = { nEmbd: 128, nHead: 16, nLayer: 8, blockSize: 64 };
const bigModel = new LetterModel({
  ...big,
  vocabSize: cl100k.vocabSize,
  scale: big.nEmbd ** -0.5,
  rng: rng.fold('cl100k'),
});
const where = (pattern: RegExp) =>
  [...parameters(bigModel)]
    .filter(([name]) => pattern.test(name))
    .reduce((sum, [, { size }]) => sum + size, 0);
const parts = [
  ['token embedding', where(/^tok/)],
  ['output layer', where(/^lm_head/)],
  [`${big.nLayer} blocks: feed-forward`, where(/^blocks.*ffwd/)],
  [`${big.nLayer} blocks: attention`, where(/^blocks.*attn/)],
  ['positions and norms', where(/^pos|ln_/)],
] as const;
const total = countParameters(bigModel);
const tables = (parts[0][1] + parts[1][1]) / total;
lesson.say(`
  Published models cut text with vocabularies of their own. GPT-4's, \`cl100k_base\`, has ${grouped(cl100k.vocabSize)}
  tokens. The same kind of model with it, of width ${big.nEmbd}, ${big.nHead} heads, ${big.nLayer} blocks and a context of
  ${big.blockSize} tokens, has **${grouped(total)} parameters**, and before it takes a single step it is worth seeing where
  they sit: ${Math.round(100 * tables)} % are in the two tables that hold a row for each token.`);
lesson.figure({
  name: 'parameters',
  html: barChart({
    title: `Where ${grouped(total)} parameters sit`,
    bars: parts.map(([label, value]) => ({
      label,
      value,
      note: `${grouped(value)} (${((100 * value) / total).toFixed(1)} %)`,
    })),
    color: 2,
  }),
  caption: 'Width 128 and 100,277 tokens: the part that thinks is a twentieth of the model.',
});
lesson.check(
  'parameters of the model with cl100k_base',
  total,
  { equals: parts.reduce((sum, [, size]) => sum + size, 0) },
  'the sum of its parts',
);

const bigTokens = splitTokens(tokenize(cl100k, text));
const used = new Set(bigTokens.train).size;
lesson.say(`
  The text is ${grouped(bigTokens.train.length + bigTokens.validation.length)} of these tokens, and only ${grouped(used)} of the
  ${grouped(cl100k.vocabSize)} occur in its training part: the vocabulary was made for English and code, and most rows of the
  two tables are never touched. At a learning rate of 5e-5, as the lesson has it, it takes thousands of steps until Latin
  comes out; ${flags.cl100kSteps === 0 ? 'this run takes none' : `this run takes ${grouped(flags.cl100kSteps)}`}
  (\`--cl100k-steps\`).`);
if (flags.cl100kSteps > 0) {
  const { blockSize } = big;
  const bigBegan = performance.now();
  const bigRun = await follow('cl100k', bigModel, flags.cl100kSteps, {
    batch: batches({ tokens: bigTokens.train, blockSize, batchSize: 16, rng: rng.fold('cl100k batches') }),
    validation: windows({
      tokens: bigTokens.validation.subarray(0, 8 * blockSize + 1),
      blockSize,
      batchSize: 4,
    }),
    rate: 5e-5,
  });
  const first = bigRun.measured[0]!.loss;
  lesson.say(`
    On ${grouped(8 * blockSize)} held-out tokens the loss went from ${first.toFixed(2)} (blind guessing: ln ${grouped(cl100k.vocabSize)}
    = ${Math.log(cl100k.vocabSize).toFixed(2)}) to **${bigRun.loss.toFixed(2)}** nats per token, ${((performance.now() - bigBegan) / 1000 / flags.cl100kSteps).toFixed(1)} s a step.`);
  lesson.check(
    'the model with cl100k_base learns',
    bigRun.loss,
    { atMost: first },
    'its loss before training',
  );
  const prompt = 'Scr. Romae';
  const written = await write(bigModel, cl100k, cl100k.encode(prompt), 60);
  lesson.sample({
    text: `${prompt}${written}`,
    caption: `After ${grouped(flags.cl100kSteps)} steps, from the prompt “${prompt}”.`,
  });
}
disposeModel(bigModel);

lesson.chapter('Exercises');
lesson.say(`
  The answers are programs in the folder \`exercises/\` of this recipe.

  1. Take the position embedding away. What is left to tell the order of the characters, and what does it cost?
  (\`1-positions.ts\`)
  2. Which heads does the model need? Silence each of them in turn and measure the loss. (\`2-heads.ts\`)
  3. Tie the output layer to the token embedding. How many parameters are saved with characters, and how many with
  \`cl100k_base\`? (\`3-tying.ts\`)`);
lesson.finish();

if (known && !flags.quick) {
  publish({
    recipe: 'cicero',
    text: known.name,
    run: `\`pnpm recipe cicero --data FILE --backend ${backend.name} --seed ${flags.seed} --cl100k-steps ${flags.cl100kSteps}\`, ${elapsed()} on \`${backend.name}\`.`,
    checks: lesson.checks,
    readme: here('README.md'),
    docs: {
      page: here('../../../docs/recipes.md'),
      folder: flags.out,
      figures: [
        { name: 'loss', caption: 'Loss of the Transformer on the Letters to Atticus' },
        { name: 'attention-0-1', caption: 'What head 1 of block 0 looks at' },
        { name: 'parameters', caption: 'Where the parameters sit with 100,277 tokens' },
      ],
      sample: latin.slice(0, 700),
    },
  });
}

// ---------------------------------------------------------------------------------------------------------------------

/** Lets a model write so many tokens after those of a prompt. */
async function write(model: LanguageModel, tokenizer: Tokenizer, prompt: readonly number[], length: number) {
  let written = '';
  const options = { maxNewTokens: length, rng: rng.fold('sample') };
  for await (const piece of generateText(model, tokenizer, prompt, options)) {
    written += piece.text;
    lesson.progress(`writing: ${written.length} characters`);
  }
  return written;
}

function pair([a, b]: readonly number[]): string {
  return `${a!.toFixed(2)}, ${b!.toFixed(2)}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A character as it can stand in a label. */
function visible(character: string): string {
  return { ' ': '␣', '\n': '↵' }[character] ?? oneLine(character);
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
