/**
 * The smallest language model that learns: a table of what follows what.
 *
 *   pnpm recipe bigram [--data FILE|URL|DIR|GLOB] [--quick]
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { selectBackend } from '@minigpt/backends';
import { countParameters, parameters, Rng, valueAndGrads } from '@minigpt/core';
import { batches, normalizeNewlines, splitTokens, tokenize, windows } from '@minigpt/data';
import { readMobyDick, readTexts } from '@minigpt/data/node';
import { Bigram } from '@minigpt/models';
import { crossEntropy } from '@minigpt/ops';
import { heatMap, type LossPoint, lossCurve } from '@minigpt/report';
import {
  duration,
  grouped,
  Lesson,
  oneLine,
  publish,
  type RecipeFlags,
  recipeCommand,
} from '@minigpt/report/node';
import { generateText } from '@minigpt/sampling';
import {
  characterTokenizer,
  createTokenizer,
  type Tokenizer,
  tokensToHtml,
  trainBpe,
  visualise,
  wordTokenizer,
} from '@minigpt/tokenizers';
import { adamW, evaluate } from '@minigpt/training';
import { dispose, reshape, softmax, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { countPairs } from './count-pairs.ts';

const flags = recipeCommand({
  name: 'bigram',
  description: 'Trains a table of what follows what, letter by letter, and lets it write.',
  data: 'a UTF-8 text: file, folder, glob or address; without it, Moby Dick',
  examples: [
    'pnpm recipe bigram --quick',
    'pnpm recipe bigram --data verne-18857.txt --backend wasm',
    'pnpm recipe bigram --data "library/*.txt" --out out/my-bigram',
  ],
})
  .parse()
  .opts<RecipeFlags>();

/** Texts whose numbers are known, by the SHA-256 of what is read from them. */
const KNOWN: Readonly<Record<string, { name: string; characters: number; loss: number; source: string }>> = {
  '7067750af9d733e74632b5a20b8da4f8f098ca49434214eea988ccc4ce5969bc': {
    name: 'A Journey to the Centre of the Earth',
    characters: 87,
    loss: 2.62,
    source: 'PyTorch: 2.607 and 2.611 for two seeds',
  },
};

const blockSize = 8;
const batchSize = 32;
// The table needs some 10,000 small steps to settle. Larger steps get near it sooner.
const steps = flags.quick ? 600 : 10_999;
const learningRate = flags.quick ? 2e-2 : 1e-3;

const began = performance.now();
const elapsed = () => duration((performance.now() - began) / 1000);
const backend = await selectBackend(flags.backend);
const lesson = new Lesson({
  title: 'The bigram model',
  lead: 'The smallest language model that learns: it looks at one letter and guesses the next. On the way there, everything that the large ones need too: tokens, contexts and targets, batches, a loss, and gradient descent.',
  folder: flags.out,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('A text');

let text = '';
if (flags.data === undefined) text = await readMobyDick();
else for await (const file of readTexts(flags.data)) text += `${text === '' ? '' : '\n'}${file.text}`;
text = normalizeNewlines(text); // Windows and Project Gutenberg end lines with two characters
const known = KNOWN[createHash('sha256').update(text).digest('hex')];

lesson.say(`
  A language model learns from text alone: nobody tells it what is a noun or a verb. All it gets is the text, and all
  it does is guess what comes next. Ours is **${known?.name ?? flags.data ?? 'Moby-Dick'}**: ${grouped(text.length)}
  characters. This is how it begins.`);
lesson.sample({ text: text.slice(0, 600), caption: 'The first 600 characters.', lines: 8 });

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Text to numbers');

lesson.say(`
  A model computes with numbers, so the text is cut into **tokens**, and each token that occurs gets an id. There are
  several ways to cut, and they differ in a bargain: few different tokens make a long sequence, many make a short one.

  - **Characters**: a token for each of the different characters. Nothing is ever unknown, but a word takes many tokens.
  - **Words**: short sequences, but a vocabulary without end. Here the 2,000 most frequent are kept and every other
  word becomes the one token \`<UNK>\`, which cannot be turned back into text.
  - **Byte-pair encoding** (BPE): begins with the 256 bytes and again and again joins the pair that occurs most often
  into a new token. Frequent words end up as one token and rare ones in pieces; nothing is unknown.`);

const characters = characterTokenizer.train(text);
const words = wordTokenizer.train(text, { vocabSize: 2_000 });
const bpe = createTokenizer(
  await trainBpe(text, {
    vocabSize: 1_024,
    onProgress: ({ stage, done }) => lesson.progress(`byte-pair encoding: ${stage}, ${grouped(done)}`),
  }),
);

const bytes = new TextEncoder().encode(text).length;
const measured = (name: string, tokenizer: Tokenizer) => {
  const ids = tokenizer.encode(text);
  const unknown = tokenizer.tokenToId('<UNK>');
  const lost = unknown === undefined ? 0 : ids.filter((id) => id === unknown).length;
  const share = `${((100 * lost) / ids.length).toFixed(1)} %`;
  return [name, grouped(tokenizer.vocabSize), grouped(ids.length), (bytes / ids.length).toFixed(2), share];
};
lesson.table({
  columns: ['tokenizer', 'vocabulary', 'tokens in the text', 'bytes per token', 'unknown'],
  rows: [measured('characters', characters), measured('words', words), measured('BPE', bpe)],
  caption:
    'The same text, cut in three ways. The model below has a table of vocabulary × vocabulary numbers.',
});

const phrase = firstSentence(text);
for (const [name, tokenizer] of Object.entries({ characters, words, bpe })) {
  lesson.figure({
    html: tokensToHtml(visualise(tokenizer, phrase)),
    caption: `${name}: ${tokenizer.encode(phrase).length} tokens`,
  });
}

const ids = characters.encode(phrase);
lesson.say(`
  We take characters, as the table then stays small enough to look at. To **encode** is to look ids up, to **decode** is
  the way back, and nothing is lost between:`);
lesson.sample({
  text: `encode(${JSON.stringify(phrase)})\n  = [${ids.join(', ')}]\n\ndecode([${ids.slice(0, 8).join(', ')}, …])\n  = ${JSON.stringify(characters.decode(ids))}`,
  caption: 'Ids count the characters that occur, in the order of Unicode.',
});
if (known)
  lesson.check(
    'characters in the vocabulary',
    characters.vocabSize,
    { equals: known.characters },
    known.name,
  );

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Contexts and targets');

const tokens = tokenize(characters, text);
const { train: trainTokens, validation } = splitTokens(tokens); // the last tenth is held out
const rng = new Rng(flags.seed);
const batch = batches({ tokens: trainTokens, blockSize, batchSize, rng: rng.fold('batches') });

lesson.say(`
  The last tenth of the text is put aside: the model never learns from it, and is measured on it at the end. From the
  rest, one stretch of ${blockSize + 1} characters gives ${blockSize} things to learn at once, since each character is
  the **target** of what stands before it, its **context**.`);
lesson.table({
  columns: ['context', 'target', 'context ids', 'target id'],
  rows: Array.from({ length: blockSize }, (_, t) => {
    const context = trainTokens.subarray(0, t + 1);
    const target = trainTokens[t + 1]!;
    return [
      oneLine(characters.decode(context)),
      oneLine(characters.decode([target])),
      context.join(' '),
      String(target),
    ];
  }),
  caption: `The first ${blockSize + 1} characters of the text. A bigram model will look at the last character of each context only; the rows are the same for the models of later recipes, which look at all of it.`,
});

const example = batch(0);
const row = (of: Int32Array, i: number) => [...of.subarray(i * blockSize, (i + 1) * blockSize)];

lesson.say(`
  The stretches are taken at random places, ${batchSize} at a time, so that one step learns from many places at once.
  Such a **batch** is two tables of \`[B, T] = [${batchSize}, ${blockSize}]\` ids: the inputs, and the same moved on by
  one, the targets.`);
lesson.table({
  columns: ['row', 'inputs', 'targets', 'as text'],
  rows: [0, 1, 2, 3].map((i) => [
    String(i),
    row(example.inputs, i).join(' '),
    row(example.targets, i).join(' '),
    `${oneLine(characters.decode(row(example.inputs, i)))} → ${oneLine(characters.decode(row(example.targets, i)))}`,
  ]),
  caption: `Four rows of the first batch, which has ${batchSize}. Which places are drawn follows from the seed (${flags.seed}) and the step alone.`,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('A table as the model');

const model = new Bigram({ vocabSize: characters.vocabSize, blockSize, rng: rng.fold('init') });
const V = characters.vocabSize;

lesson.say(`
  The model is one table \`W\` of \`[V, V] = [${V}, ${V}]\` numbers, ${grouped(countParameters(model))} in all. Row *i*
  belongs to the character *i* and holds one score, a **logit**, for every character that may follow. Looking up the
  rows of a batch \`[B, T]\` gives the logits \`[B, T, V]\`. The softmax makes probabilities of a row: all positive, with
  a sum of 1.`);
lesson.formula('p(next = j | current = i) = exp(W_{ij}) / Σ_k exp(W_{ik})');
lesson.say(`
  How good are they? The **loss** is the surprise at what really came, the negative logarithm of its probability, averaged
  over all targets. It is measured in nats per token; whoever knows nothing and gives all ${V} characters the same
  probability has a loss of ln ${V} = ${Math.log(V).toFixed(3)}.`);
lesson.formula('loss = −(1 / N) Σ_n ln p(target_n | input_n)');

const heldOut = windows({ tokens: validation, blockSize, batchSize: 256 });
const before = await evaluate({ model, batches: heldOut });
const sampleBefore = await sample(300);
lesson.say(`
  At first the table is filled with random numbers. Its loss on the held-out text is ${before.loss.toFixed(3)}, worse
  than knowing nothing, since it is sure of things that are not so. What it writes shows it:`);
lesson.sample({
  text: sampleBefore,
  caption: 'Before training: 300 characters, each drawn from the row of the one before.',
  lines: 6,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Training');

lesson.say(`
  One step: take a batch, compute the loss, ask by how much the loss would change with each number of the table (the
  **gradient**, found by going back through the computation), and move every number a little downhill. AdamW, the usual
  optimizer, keeps a running mean of each number's gradient and of its square, and moves by about the learning rate
  (${learningRate}) whatever the gradient's size. ${grouped(steps)} steps, on ${backend.name} (${backend.description}).`);

const trained = parameters(model);
const optimizer = adamW({ parameters: trained });
const curve: LossPoint[] = [];
const measuredLosses: LossPoint[] = [{ step: 0, loss: before.loss }];
const trainingBegan = performance.now();

for (let step = 1; step <= steps; step++) {
  const { inputs, targets } = batch(step);
  const { value, grads } = valueAndGrads(() => {
    const logits = model.call(tensor2d(inputs, [batchSize, blockSize], 'int32')); // [B, T, V]
    return crossEntropy(reshape(logits, [batchSize * blockSize, V]), tensor1d(targets, 'int32'));
  }, trained);
  optimizer.step(grads, learningRate);

  const [loss] = await value.data();
  dispose([value, ...grads.values()]);
  curve.push({ step, loss });
  lesson.progress(`step ${step}/${steps}  loss ${loss.toFixed(3)}`);
  if (step % Math.ceil(steps / (flags.quick ? 3 : 11)) === 0 || step === steps) {
    measuredLosses.push({ step, loss: (await evaluate({ model, batches: heldOut })).loss });
  }
}
const seconds = (performance.now() - trainingBegan) / 1000;
optimizer.dispose();

const after = measuredLosses.at(-1)!.loss;
lesson.figure({
  name: 'loss',
  html: lossCurve({ title: 'Loss of the bigram model', train: curve, validation: measuredLosses }),
  caption: `Each batch (pale), their mean, and the whole held-out tenth (dots). ${grouped(steps)} steps took ${seconds.toFixed(0)} s.`,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('What it has learnt');

const sampleAfter = await sample(500);
lesson.say(`
  The loss on the held-out text fell from ${before.loss.toFixed(3)} to **${after.toFixed(3)}** nats per character. It
  writes with the right letters, word lengths and punctuation, and no word holds together for long: whoever sees one
  letter only cannot do better.`);
lesson.sample({ text: sampleAfter, caption: 'After training: 500 characters.' });

const counted = countPairs(trainTokens, V);
const countedLoss = counted.loss(validation);
lesson.say(`
  How much better could it be? For this model we can say it exactly, as the best table needs no gradient descent at all:
  **count** how often each pair occurs in the training text, and divide by the row's sum (after adding 1 to each count,
  so that what never occurred does not become impossible). The counted table has a loss of
  **${countedLoss.toFixed(3)}**. What remains between the two is what the steps had not yet learnt of rare pairs.`);
if (known && !flags.quick)
  lesson.check('loss on the held-out tenth, nats per character', after, { atMost: known.loss }, known.source);
// A short text has too few pairs for the two ways to meet.
if (text.length >= 50_000)
  lesson.check(
    'loss of the trained table',
    after,
    { near: countedLoss, within: flags.quick ? 0.12 : 0.05 },
    'the counted table, which no other beats by much',
  );

const probabilities = softmax(model.wte.weight); // [V, V]
const learnt = await probabilities.data();
probabilities.dispose();
const shown = frequentCharacters(40);
const labels = shown.map(
  (id) => ({ ' ': '␣', '\n': '↵' })[characters.decode([id])] ?? characters.decode([id]),
);
const drawTable = (title: string, table: ArrayLike<number>, color: number) =>
  heatMap({
    title,
    xLabel: 'next character',
    yLabel: 'current character',
    rows: labels,
    columns: labels,
    values: shown.flatMap((i) => shown.map((j) => table[i * V + j]!)),
    max: 1,
    color,
    cell: 9,
  });
lesson.figures({
  figures: [
    { name: 'learnt', html: drawTable('Learnt: softmax of the table', learnt, 0) },
    { name: 'counted', html: drawTable('Counted: pairs in the text', counted.probabilities, 2) },
  ],
  caption: `Row *i*, column *j*: the probability of *j* after *i*, found by gradient descent and by counting, for the ${shown.length} most frequent characters (␣ is the space, ↵ the line end). Both know that *u* follows *q* and a space the comma.`,
});

lesson.chapter('Exercises');
lesson.say(`
  The answers are programs in the folder \`exercises/\` of this recipe.

  1. Give the model two characters instead of one: a table \`[V², V]\`. How far does the loss fall, and how many of its
  rows does training ever touch? (\`1-trigram.ts\`)
  2. Train on the words instead of the characters. Why can the two losses not be compared as they are, and what makes
  them comparable? (\`2-words.ts\`)
  3. The counted table adds 1 to each count. Which number in its place gives the lowest loss on the held-out text, and
  what does 0 give? (\`3-smoothing.ts\`)`);

lesson.finish();

if (known && !flags.quick) {
  publish({
    recipe: 'bigram',
    text: known.name,
    run: `\`pnpm recipe bigram --data FILE --backend ${backend.name} --seed ${flags.seed}\`, ${elapsed()} on \`${backend.name}\`.`,
    checks: lesson.checks,
    readme: here('README.md'),
    docs: {
      page: here('../../../docs/recipes.md'),
      folder: flags.out,
      figures: [
        { name: 'loss', caption: 'Loss of the bigram model' },
        { name: 'learnt', caption: 'The learnt table: what follows what' },
        { name: 'counted', caption: 'The same table, counted' },
      ],
      sample: sampleAfter,
    },
  });
}

// ---------------------------------------------------------------------------------------------------------------------

/** Lets the model write: each character is drawn with the probabilities in the row of the one before. */
async function sample(length: number): Promise<string> {
  let written = '';
  const options = { maxNewTokens: length, rng: rng.fold('sample') };
  for await (const piece of generateText(model, characters, [trainTokens[0]!], options))
    written += piece.text;
  return written;
}

/** The most frequent characters of the training text, in the order of their ids. */
function frequentCharacters(count: number): number[] {
  const counts = new Float64Array(characters.vocabSize);
  for (const id of trainTokens) counts[id]!++;
  return [...counts.keys()]
    .sort((a, b) => counts[b]! - counts[a]!)
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** The first stretch of text that reads like a sentence, to show tokens on. */
function firstSentence(text: string): string {
  return /[A-Z][a-z]+ [^\n.]{30,90}[.,;]/.exec(text)?.[0] ?? text.slice(0, 60);
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
