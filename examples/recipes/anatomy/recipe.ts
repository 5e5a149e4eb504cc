/**
 * What happens inside a chat model when it answers.
 *
 *   pnpm recipe anatomy [--model NAME] [--prompt TEXT] [--quick]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { selectBackend } from '@minigpt/backends';
import type { LoadProgress } from '@minigpt/checkpoints';
import { loadPretrained, openPath } from '@minigpt/checkpoints/node';
import {
  ConfigError,
  countParameters,
  dispose as disposeModel,
  type HostTensor,
  Module,
  parameters,
  Rng,
  Transformer,
  valueAndGrads,
  withoutWeights,
} from '@minigpt/core';
import { normalizeNewlines } from '@minigpt/data';
import { readMobyDick, readTexts } from '@minigpt/data/node';
import {
  attentionHtml,
  attentionMaps,
  layerTree,
  logitLens,
  logitLensHtml,
  previousTokenScore,
  treeLines,
} from '@minigpt/inspect';
import { Linear } from '@minigpt/layers';
import { modelFromConfig } from '@minigpt/models';
import { crossEntropy } from '@minigpt/ops';
import { barChart, heatMap, lineChart, type Point } from '@minigpt/report';
import {
  grouped,
  Lesson,
  oneLine,
  positiveInteger,
  publish,
  type RecipeFlags,
  recipeCommand,
} from '@minigpt/report/node';
import { logSoftmax, Session } from '@minigpt/sampling';
import {
  type ChatMessage,
  ChatTemplate,
  tokensToHtml,
  UnknownTokenError,
  visualise,
} from '@minigpt/tokenizers';
import { sgd } from '@minigpt/training';
import { dispose, relu, type Tensor, type Tensor2D, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { type Config, explainConfig, written } from './explain-config.ts';
import { type FoundModel, findModel, knownModel } from './find-model.ts';
import { dtypeName, MIB, PARAMETER_COLUMNS, parameterCsv, parameterRows } from './parameter-table.ts';
import { SMALL_CONFIG, trainSmallModel } from './small-model.ts';
import { PARTS, type Part, timeOfToken } from './token-time.ts';

interface Flags extends RecipeFlags {
  readonly model?: string;
  readonly prompt?: string;
  readonly tokens?: number;
}

const flags = recipeCommand({
  name: 'anatomy',
  description: 'Takes a chat model apart while it answers: tokens, layers, parameters, time, attention.',
  data: 'a UTF-8 text that a small model is trained on first; without it, a model of this machine is taken, or Moby Dick',
  examples: [
    'pnpm recipe anatomy --quick',
    'pnpm recipe anatomy --model SmolLM2-135M-Instruct.Q4_1.gguf --prompt "Why is the sky blue?"',
    'pnpm recipe anatomy --model Qwen/Qwen2.5-0.5B-Instruct',
  ],
})
  .option(
    '--model <name>',
    'folder or file of a model, or org/name on the Hugging Face hub, from where it is then downloaded (default: SmolLM2-135M-Instruct or stories260K if this machine has it, else a small one is trained)',
  )
  .option('--prompt <text>', 'what it is asked, or how its text begins')
  .option('--tokens <n>', 'tokens of the answer at most (default: 48, or 16 with --quick)', positiveInteger)
  .parse()
  .opts<Flags>();
if (flags.model !== undefined && flags.data !== undefined)
  throw new ConfigError(
    '--data',
    '--data trains a small model, but --model names another; leave one of them out.',
  );
const mostTokens = flags.tokens ?? (flags.quick ? 16 : 48);

const began = performance.now();
const backend = await selectBackend(flags.backend);
const rng = new Rng(flags.seed);
const lesson = new Lesson({
  title: 'Anatomy of an answer',
  lead: 'A chat model is asked a question and answers. Between the two there is no magic, only tables of numbers: here is all that happens, from the letters of the question to the letters of the answer.',
  folder: flags.out,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('A model');

const found = await givenOrFoundModel();
if (found === undefined) {
  const why =
    flags.data === undefined
      ? 'No published model is on this machine, and none is downloaded unasked. `pnpm fetch:smollm2` gets SmolLM2-135M-Instruct (98 MB), and `--model` takes any other. So a small one is trained first:'
      : `A small model is trained on ${flags.data} first:`;
  lesson.say(`
    ${why} the architecture of a Llama, ${SMALL_CONFIG.num_hidden_layers} blocks of
    width ${SMALL_CONFIG.hidden_size}, for a minute at most. It will write like a child with a fever, but every step on the way is the same.`);
  const isGlance = flags.quick && backend.name === 'cpu'; // plain JavaScript takes seconds a step
  const steps = isGlance ? 10 : flags.quick ? 150 : 400;
  const loss = await trainSmallModel(await corpus(), {
    folder: join(flags.out, 'model'),
    steps,
    rng: rng.fold('small'),
    onStep: (step, loss) => lesson.progress(`training: step ${step}/${steps}  loss ${loss.toFixed(3)}`),
  });
  lesson.check(
    'the small model: nats per token',
    loss,
    { atMost: Math.log(512) },
    'ln 512 is guessing blindly',
  );
}
const name = found?.name ?? join(flags.out, 'model');
const pretrained = found?.pretrained ?? (await openPath(name));
const stored = pretrained.weights.tensors;
const loading = performance.now();
const { tokenizer, chatTemplate, config, endIds, ...loaded } = await loadPretrained(pretrained, {
  onProgress: tellLoading,
});
await pretrained.weights.close();
const { model } = loaded;
if (!(model instanceof Transformer)) {
  throw new ConfigError(
    '--model',
    `The model must be a Transformer, but ${name} is a ${model.constructor.name}; name another.`,
  );
}
if (tokenizer === undefined) {
  throw new ConfigError(
    '--model',
    `The model must come with its tokenizer, but ${name} has none; put it beside.`,
  );
}
const known = await knownModel(name);
const title = known?.name ?? (found === undefined ? 'a small Llama' : (name.split('/').at(-1) ?? name));
const total = countParameters(model);

lesson.say(`
  This is **${title}**, read ${found === undefined ? 'back from the disk' : 'from the disk'} in ${seconds(loading)}: ${grouped(stored.size)} tables of numbers,
  ${grouped(total)} **parameters** in all, on ${backend.name} (${backend.description}). ${
    chatTemplate === undefined
      ? 'It was never taught to hold a conversation: it continues texts. A chat model does exactly that too; what makes it a chat model comes in chapter 3.'
      : 'It was taught to continue texts, and then, with far fewer examples, to continue them as the assistant of a conversation.'
  }`);
if (known) lesson.check('parameters', total, { equals: known.parameters }, known.name);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Text to tokens to ids');

const prompt =
  flags.prompt ?? known?.prompt ?? (chatTemplate ? 'What is the capital of Italy?' : 'The white whale');
lesson.say(`
  The model knows ${grouped(tokenizer.vocabSize)} **tokens**, pieces of text that were chosen once because they are frequent, and each
  has a number, its **id**. Nothing but ids goes in, and nothing but an id comes out.`);
lesson.table({
  columns: ['', 'text', 'token', 'id', 'bytes'],
  rows: visualise(tokenizer, prompt).map(({ id, token, text }, i) => [
    i,
    spaced(text),
    oneLine(token),
    id,
    new TextEncoder().encode(text).length,
  ]),
  caption: `“${oneLine(prompt)}” in tokens, as the text has them and as the vocabulary spells them. A space usually belongs to the word after it.`,
});
const words = ['cat', 'unbelievable', 'Donaudampfschiff', '2026', 'naïve', '🙂'].filter(isKnown);
lesson.table({
  columns: ['word', 'tokens', 'cut'],
  rows: words.map((word) => {
    const tokens = visualise(tokenizer, word);
    return [word, tokens.length, tokens.map(({ token }) => oneLine(token)).join(' · ')];
  }),
  caption:
    'Frequent words are one token, rare ones several. Not letters: whoever asks such a model how many r there are in a word asks for what it never sees.',
});
const back = tokenizer.decode(tokenizer.encode(prompt));
lesson.check(
  'characters that differ after encode and decode',
  differing(back, prompt),
  { equals: 0 },
  'nothing is lost',
);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('A conversation is a text too');

const conversation = [
  { role: 'user', content: prompt },
  { role: 'assistant', content: 'I would rather not say.' },
  { role: 'user', content: 'Why not?' },
];
const own = chatTemplate ?? ChatTemplate.named('chatml');
lesson.say(`
  A model continues one text. So a conversation is written into one, and a **chat template** says how: a small program (in Jinja,
  a language for filling in forms) that comes with the model. It marks whose turn it is. Mistral's writes \`[INST]\` and
  \`[/INST]\` around what the user says, and what stands behind is the answer:`);
lesson.sample({
  text: ChatTemplate.named('mistral').render(conversation),
  caption: 'The conversation as Mistral 7B Instruct reads it. The last question waits for its answer.',
});
lesson.say(
  chatTemplate === undefined
    ? `Most others write ChatML, with a role before each turn. There is no template in ${title}, so this is how it would look:`
    : `The model's own template writes the same conversation so; the last line is there to make it answer:`,
);
const laid = rendered(own, conversation);
lesson.sample({
  text: laid,
  caption: chatTemplate ? `As ${title} reads it.` : 'As ChatML has it.',
  lines: 20,
});
lesson.figure({
  html: tokensToHtml(visualise(tokenizer, laid)),
  caption: chatTemplate
    ? `The same in tokens, ${tokenizer.encode(laid, { allowedSpecial: 'all' }).length} of them. The marks are special tokens (bold), which no text that a user types should turn into.`
    : 'The same in the tokens of this model, which knows no such marks: to it they are letters.',
});
lesson.table({
  columns: ['template', 'characters', 'tokens'],
  rows: [
    [
      'Mistral',
      ChatTemplate.named('mistral').render(conversation).length,
      count(ChatTemplate.named('mistral').render(conversation)),
    ],
    [chatTemplate ? 'its own' : 'ChatML', laid.length, count(laid)],
    [
      'the bare words',
      conversation.map(({ content }) => content).join('\n').length,
      count(conversation.map(({ content }) => content).join('\n')),
    ],
  ],
  caption: `What the form costs, in the tokens of ${title}.`,
});

const question = [{ role: 'user', content: prompt }];
const promptText = chatTemplate === undefined ? prompt : rendered(chatTemplate, question);
const promptIds =
  chatTemplate === undefined
    ? tokenizer.encode(prompt, { addSpecialTokens: true })
    : tokenizer.encode(promptText, { allowedSpecial: 'all' });
lesson.say(`
  From here on there is one question, **${oneLine(prompt)}**${chatTemplate ? ', laid into the template' : ''}: ${promptIds.length} tokens.`);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('One token');

lesson.say(`
  The ids go in, \`[B, T] = [1, ${promptIds.length}]\`, and a number for each token of the vocabulary comes out, \`[V] =
  [${grouped(model.vocabSize)}]\`: the **logits**. Softmax makes probabilities of them. That is all that a language model does.`);
lesson.formula('p(next = v) = exp(logit_v) / Σ_u exp(logit_u)');

const session = new Session(model); // it keeps keys and values, so that each token is read once

/** One pass: what is likely to follow these ids, likeliest first. */
async function next(ids: readonly number[], count: number): Promise<Rival[]> {
  const [logits] = await session.nextLogits([ids]); // [V]
  const logProbabilities = logSoftmax(logits!); // [V]
  return [...logits!.keys()]
    .sort((a, b) => logits![b]! - logits![a]!)
    .slice(0, count)
    .map((id) => ({ id, logit: logits![id]!, logProbability: logProbabilities[id]! }));
}
interface Rival {
  readonly id: number;
  readonly logit: number;
  /** In nats. */
  readonly logProbability: number;
}

const rivals = await next(promptIds, 11);
const [winner] = rivals;
lesson.figure({
  name: 'rivals',
  html: barChart({
    title: 'The likeliest first tokens of the answer',
    bars: rivals.map(({ id, logProbability }) => ({
      label: label(id),
      value: Math.exp(logProbability),
      note: percent(logProbability),
    })),
    color: 0,
  }),
  caption: `The likeliest token and its ten likeliest rivals. All others, ${grouped(model.vocabSize - 11)}, share ${(100 * (1 - rivals.reduce((sum, { logProbability }) => sum + Math.exp(logProbability), 0))).toFixed(1)} %.`,
});
lesson.table({
  columns: ['rank', 'token', 'id', 'logit', 'probability'],
  rows: rivals.map(({ id, logit, logProbability }, i) => [
    i + 1,
    label(id),
    id,
    logit.toFixed(2),
    percent(logProbability),
  ]),
  caption: `**${label(winner!.id)}** wins, if the likeliest always does. Usually the next token is drawn, as with dice that have these probabilities; then every one of the ten would come now and then.`,
});
if (known?.logProbability !== undefined && prompt === known.prompt) {
  lesson.check(
    'ln p of the first token',
    winner!.logProbability,
    { near: known.logProbability, within: 1e-4 },
    known.source,
  );
}

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('And one by one');

lesson.say(`
  The token that won is put behind the others, and the same is done again, until the model says the token that ends an
  answer. This is the whole loop:`);

/** The likeliest token, again and again, until one ends the text. */
async function answer(begun: readonly number[], most: number): Promise<Rival[][]> {
  const ids = [...promptIds, ...begun];
  const steps: Rival[][] = [];
  while (steps.length < most && ids.length < model.blockSize) {
    const likeliest = await next(ids, 2);
    steps.push(likeliest);
    ids.push(likeliest[0]!.id);
    lesson.progress(`answering: ${oneLine(decoded(ids.slice(promptIds.length)))}`);
    if (endIds.includes(likeliest[0]!.id)) break;
  }
  return steps;
}

const answering = performance.now();
const steps = await answer([], mostTokens);
const perToken = (performance.now() - answering) / steps.length;
const answerIds = steps.map(([{ id }]) => id);
lesson.table({
  columns: ['', 'token', 'p', 'instead of', 'p', 'the answer so far'],
  rows: steps
    .slice(0, 24)
    .map(([first, second], i) => [
      i + 1,
      label(first!.id),
      percent(first!.logProbability),
      label(second!.id),
      percent(second!.logProbability),
      oneLine(decoded(answerIds.slice(0, i + 1))),
    ]),
  caption: `The answer comes into being, ${perToken.toFixed(0)} ms a token. Beside each token the likeliest one that it was not.`,
});
lesson.sample({
  text: decoded(answerIds),
  caption: `The answer to “${oneLine(prompt)}”, the likeliest token each time.`,
});
if (known && prompt === known.prompt) {
  const expected = known.ids.slice(0, mostTokens);
  const same = expected.filter((id, i) => answerIds[i] === id).length;
  lesson.check(
    'tokens of the answer that are as they should be',
    same,
    { equals: expected.length },
    known.source,
  );
}

const other = rivals[1]!;
const others = [other.id, ...(await answer([other.id], mostTokens - 1)).map(([{ id }]) => id)];
lesson.say(`
  How much hangs on a single token? **${label(winner!.id)}** won with ${percent(winner!.logProbability)} against ${percent(other.logProbability)}
  for **${label(other.id)}**. Had the dice fallen the other way, the answer would have been another from there on, since each token
  is an answer to all before it, the model's own included:`);
lesson.sample({ text: decoded(others), caption: `The answer if it begins with ${label(other.id)}.` });
session.dispose();

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('What it is made of');

lesson.say(`
  Inside there is a list of ids that become vectors, and a stack of **blocks** that each add something to these vectors: an
  **attention**, in which tokens look at earlier tokens, and a **feed-forward network**, in which each token is worked on by
  itself. At the end the vector of the last token is compared with that of every token of the vocabulary. The number behind each
  layer is how many parameters it has.`);
lesson.sample({
  text: treeLines(layerTree(model)).join('\n'),
  caption: 'The layer tree; blocks that are alike are shown once.',
  lines: 40,
});

const table = [...parameters(model)].map(([name, { shape, size, trainable }]) => {
  const info = stored.get(name);
  return {
    name,
    shape,
    dtype: dtypeName(info?.storedAs ?? 'F32'),
    count: size,
    bytes: info?.storedBytes ?? 4 * size,
    trainable,
  };
});
lesson.table({
  columns: PARAMETER_COLUMNS,
  rows: parameterRows(table),
  caption: `Every parameter, those of the blocks gathered; \`*\` is the number of the block. [parameters.csv](parameters.csv) has them one by one. In memory each number takes 4 bytes (float32): ${grouped((4 * total) / MIB)} MiB.`,
});
lesson.attach('parameters.csv', parameterCsv(table));
lesson.check(
  'parameters, added up',
  table.reduce((sum, { count }) => sum + count, 0),
  { equals: total },
  'the layer tree',
);

const mistralConfig = JSON.parse(readFileSync(here('mistral-7b.json'), 'utf8')) as Config;
const mistral = withoutWeights(() => modelFromConfig(mistralConfig));
const mistralTable = [...parameters(mistral)].map(([name, { shape, size, trainable }]) => {
  return { name, shape, dtype: 'float16', count: size, bytes: 2 * size, trainable };
});
const mistralTotal = countParameters(mistral);
const mistralTree = treeLines(layerTree(mistral));
disposeModel(mistral);
lesson.say(`
  A large model is the same, only larger. To see it nothing need be loaded: its **config**, a file of ${Object.keys(mistralConfig).length} lines, says
  how many of what there are. This is Mistral-7B (Jiang et al. 2023), whose weights are not here:`);
lesson.sample({ text: mistralTree.join('\n'), caption: 'The layer tree of Mistral-7B.', lines: 40 });
lesson.table({
  columns: PARAMETER_COLUMNS,
  rows: parameterRows(mistralTable),
  caption: `Mistral-7B from its config alone, with 2 bytes a number: ${(mistralTotal / total).toFixed(0)} times as many parameters as ${title}.`,
});
lesson.check('parameters of Mistral-7B', mistralTotal, { equals: 7_241_732_096 }, 'the published model');
lesson.check(
  'MiB of Mistral-7B in float16',
  Math.round((2 * mistralTotal) / MIB),
  { equals: 13_813 },
  '2 bytes a parameter',
);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('The config, line by line');

lesson.say(`
  These lines and the weights are the whole model. Whoever has both can build it, in any language; this program has.`);
lesson.table({
  columns: ['setting', title, 'Mistral-7B', 'what it means'],
  rows: explainConfig({ ...mistralConfig, ...config }).map(({ setting, meaning }) => [
    setting,
    written(config[setting]),
    written(mistralConfig[setting]),
    meaning,
  ]),
  caption: `The config of ${title} beside that of Mistral-7B.`,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('Where the time of one token goes');

const timed = flags.quick ? 4 : 16;
lesson.say(`
  For each token of the answer every weight is read once and multiplied once, which is why large models are slow, and why it
  takes the same time whether the next token is a comma or the point of the whole. Here is where that time goes, the mean over
  ${timed} tokens: the clock is read whenever a part has given its output.`);
const time = await timeOfToken(model, promptIds, timed);
const whole = [...time.values()].reduce((sum, milliseconds) => sum + milliseconds, 0);
const weights = weightsByPart();
const used = [...weights.values()].reduce((sum, size) => sum + size, 0);
lesson.figure({
  name: 'time',
  html: barChart({
    title: `One token: ${whole.toFixed(1)} ms on ${backend.name}`,
    bars: PARTS.map((part) => ({
      label: part,
      value: time.get(part)!,
      note: `${time.get(part)!.toFixed(2)} ms (${((100 * time.get(part)!) / whole).toFixed(0)} %)`,
    })),
    color: 4,
  }),
  caption: 'Milliseconds of each part, all blocks together.',
});
lesson.table({
  columns: ['part', 'ms', 'share', 'weights it reads', 'share'],
  rows: PARTS.map((part) => [
    part,
    time.get(part)!.toFixed(2),
    `${((100 * time.get(part)!) / whole).toFixed(1)} %`,
    grouped(weights.get(part)!),
    `${((100 * weights.get(part)!) / used).toFixed(1)} %`,
  ]),
  caption: `Where the share of the time is larger than that of the weights, the machine is busy with something other than multiplying: with many small operations, each of which has its price. Together ${(used / whole / 1e6).toFixed(1)} thousand million multiplications a second.`,
});

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('What it looks at');

const read = [...promptIds, ...answerIds].slice(0, model.blockSize);
const labels = read.map(label);
const asking = promptIds.length - 1; // the place that gives the first token of the answer
const asked = placesOfQuestion();
const maps = await attentionMaps(model, read); // [L][H] of [T, T]
const T = read.length;
const rowSums = maps
  .flat()
  .flatMap(({ data }) => Array.from({ length: T }, (_, t) => sumOf(data.subarray(t * T, (t + 1) * T))));
lesson.say(`
  Question and answer together are ${T} tokens. In each of the ${maps.length} blocks ${maps[0]!.length} **heads** decide, for every token, how much it
  takes from each token before it: a table \`[T, T]\` whose rows add up to 1. The one row that matters most is that of the last
  token of the question, from which the answer begins.`);
lesson.figure({
  name: 'attention',
  html: heatMap({
    title: `What “${labels[asking]}”, the last token of the question, looks at`,
    yLabel: 'block',
    rows: maps.map((_, layer) => String(layer)),
    columns: labels.slice(0, asking + 1),
    values: maps.flatMap((heads) =>
      Array.from({ length: asking + 1 }, (_, s) => mean(heads.map(({ data }) => data[asking * T + s]!))),
    ),
    color: 0,
  }),
  caption:
    'One row a block, the mean of its heads. Much goes to the very first token: a head that looks for something that is not there has to put its weight somewhere, and has learnt to put it where it does no harm (Xiao et al. 2023).',
});

const heads = maps.flatMap((all, layer) => all.map((map, head) => ({ map, layer, head })));
const foremost = (what: string, score: (map: HostTensor) => number) => {
  const best = heads.reduce((a, b) => (score(b.map) > score(a.map) ? b : a));
  return { what, score: score(best.map), ...best };
};
const kinds = [
  foremost('the token before', previousTokenScore),
  foremost('the first token', ({ data }) =>
    mean(Array.from({ length: T - 1 }, (_, i) => data[(i + 1) * T]!)),
  ),
  foremost('itself', ({ data }) => mean(Array.from({ length: T - 1 }, (_, i) => data[(i + 1) * (T + 1)]!))),
  foremost('the words of the question', ({ data }) =>
    mean(Array.from({ length: T - asking }, (_, i) => sumOf(asked.map((s) => data[(asking + i) * T + s]!)))),
  ),
];
lesson.figures({
  figures: kinds.map(({ what, map, layer, head }) => ({
    name: `attention-${what.replaceAll(' ', '-')}`,
    html: heatMap({
      title: `Block ${layer}, head ${head}: ${what}`,
      rows: labels,
      columns: labels,
      values: map.data,
      color: 0,
      cell: Math.max(5, Math.min(14, 290 / T)),
    }),
  })),
  caption: `The heads that most clearly do one thing, with the share of their weight that goes there: ${kinds.map(({ what, score }) => `${what} ${Math.round(100 * score)} %`).join(', ')}. Row: the token that looks; column: what it looks at. [All ${heads.length} heads](attention.html) are on a page of their own.`,
});
lesson.attach('attention.html', attentionHtml(maps, { tokens: labels, title: `Attention of ${title}` }));
lesson.check(
  'attention: largest deviation of a row from a sum of 1',
  rowSums.reduce((most, sum) => Math.max(most, Math.abs(sum - 1)), 0),
  { atMost: 1e-5 },
  'softmax',
);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('How the answer grows');

lesson.say(`
  All blocks add to the same vectors, and the output layer reads the last of them. It can read earlier ones just as well: what
  **would** the model say if it ended after this block? That is the **logit lens** (nostalgebraist 2020).`);
const lens = await logitLens(model, read, { topK: 5 });
const places = answerIds.slice(0, 6).map((_, i) => asking + i);
const shownLayers = thinned(lens.length, 12);
const after = (layer: number) => (layer === 0 ? 'embedding' : `block ${layer - 1}`);
lesson.table({
  columns: ['after', ...places.map((t) => `→ ${labels[t + 1]}`)],
  rows: shownLayers.map((layer) => [
    after(layer),
    ...places.map((t) => {
      const { id, logProbability } = lens[layer]!.predictions[t]!.top[0]!;
      return `${label(id)} ${percent(logProbability)}`;
    }),
  ]),
  caption: `The likeliest token and its probability, for the first ${places.length} tokens of the answer; above each column the token that was said. ${config.tie_word_embeddings ? 'The embedding alone says what it has just read, as it is compared with its own table. ' : ''}[All tokens and blocks](lens.html) are on a page of their own.`,
});
lesson.attach(
  'lens.html',
  logitLensHtml(lens, { tokens: labels, decode: label, title: `Logit lens of ${title}` }),
);
lesson.figure({
  name: 'lens',
  html: lineChart({
    title: 'How far it is from what it will say',
    xLabel: 'blocks',
    yLabel: 'surprise, nats',
    series: places.slice(0, 4).map((t, i) => ({
      name: labels[t + 1]!,
      points: lens.map(({ predictions }, layer) => ({ x: layer, y: -predictions[t]!.next!.logProbability })),
      color: i,
    })),
  }),
  caption:
    'How surprised the logit lens would be, after each block, at the token that will be said: −ln p. For most of the way the vectors say something else, in a language of their own; the last blocks turn it into a word.',
});
const atOnce = places.map((t) => lens.at(-1)!.predictions[t]!.next!.logProbability);
lesson.check(
  'one by one and all at once: largest difference in ln p',
  Math.max(...atOnce.map((value, i) => Math.abs(value - steps[i]![0]!.logProbability))),
  { atMost: 1e-3 },
  'the same model',
);
disposeModel(model);

// ---------------------------------------------------------------------------------------------------------------------
lesson.chapter('The small network that stands for all');

const inputs = 784;
const hidden = 256;
const classes = 10;
const samples = 100;
const epochs = 10;
const learningRate = 0.01;
lesson.say(`
  And how did the numbers get into the tables? In the way of this network, which has all of it and fits on a page: ${inputs}
  inputs (a picture of 28 × 28 dots, say), ${hidden} units with ReLU, ${classes} classes. It sees ${samples} random samples one by one, ${epochs} times, and
  after each it takes a step of plain gradient descent, with learning rate ${learningRate}. A language model of seven thousand million
  parameters is trained by the same four lines.`);

class Network extends Module {
  readonly hidden: Linear;
  readonly output: Linear;

  constructor(rng: Rng) {
    super();
    this.hidden = new Linear({ inFeatures: inputs, outFeatures: hidden, rng: rng.fold('hidden') });
    this.output = new Linear({ inFeatures: hidden, outFeatures: classes, rng: rng.fold('output') });
  }

  /** Pictures `[B, 784]` → logits of the classes `[B, 10]`. */
  protected override forward(x: Tensor): Tensor {
    return this.output.call(relu(this.hidden.call(x))); // [B, 10]
  }
}

const network = new Network(rng.fold('network'));
const pictures = (key: string, count: number) => ({
  values: rng
    .fold(key)
    .fold('pictures')
    .normal(count * inputs),
  classes: rng.fold(key).fold('classes').integers(count, classes),
});
const seen = pictures('seen', samples);
const unseen = pictures('unseen', samples);
const lossOf = (x: Float32Array, target: Int32Array) =>
  crossEntropy(network.call(tensor2d(x, [target.length, inputs])) as Tensor2D, tensor1d(target, 'int32'));
async function lossOn({ values, classes }: typeof seen): Promise<number> {
  const loss = lossOf(values, classes);
  const [value] = await loss.data();
  loss.dispose();
  return value!;
}

lesson.sample({
  text: treeLines(layerTree(network)).join('\n'),
  caption: `${grouped(countParameters(network))} parameters: ${inputs} · ${hidden} + ${hidden} + ${hidden} · ${classes} + ${classes}.`,
});
const untrained = { seen: await lossOn(seen), unseen: await lossOn(unseen) };
const trained = parameters(network);
const optimizer = sgd({ parameters: trained });
const curve: Point[] = [];
const measured: Point[] = [{ x: 0, y: untrained.seen }];
const epochRows = [['before', untrained.seen.toFixed(3), '']];
for (let epoch = 1; epoch <= epochs; epoch++) {
  let sum = 0;
  for (let i = 0; i < samples; i++) {
    const picture = seen.values.subarray(i * inputs, (i + 1) * inputs);
    const { value, grads } = valueAndGrads(() => lossOf(picture, seen.classes.subarray(i, i + 1)), trained);
    optimizer.step(grads, learningRate);

    const [loss] = await value.data();
    dispose([value, ...grads.values()]);
    sum += loss!;
    curve.push({ x: (epoch - 1) * samples + i + 1, y: loss! });
    lesson.progress(`epoch ${epoch}/${epochs}, sample ${i + 1}/${samples}: loss ${loss!.toFixed(3)}`);
  }
  const after = await lossOn(seen);
  measured.push({ x: epoch * samples, y: after });
  epochRows.push([String(epoch), after.toFixed(3), (sum / samples).toFixed(3)]);
}
optimizer.dispose();
const learnt = { seen: await lossOn(seen), unseen: await lossOn(unseen) };
disposeModel(network);

lesson.table({
  columns: ['epoch', 'loss afterwards', 'mean loss on the way'],
  rows: epochRows,
  caption: `Cross-entropy in nats; guessing blindly costs ln ${classes} = ${Math.log(classes).toFixed(3)}.`,
});
lesson.figure({
  name: 'network',
  html: lineChart({
    title: `${inputs}-${hidden}-${classes}: loss`,
    xLabel: 'step',
    yLabel: 'nats',
    series: [
      { name: 'each sample', points: curve, style: 'faint' },
      { name: 'all samples', points: measured, style: 'dots' },
    ],
  }),
  caption: `The loss on each sample as it comes, ${samples * epochs} steps.`,
});
lesson.say(`
  The loss fell from ${untrained.seen.toFixed(3)} to ${learnt.seen.toFixed(4)}. And yet the network has understood nothing, as there was nothing to
  understand: the classes were drawn at random, and on ${samples} samples that it never saw its loss went from ${untrained.unseen.toFixed(2)} to
  **${learnt.unseen.toFixed(2)}**. It has learnt by heart. Whether a model has learnt more than that is told by text that was held out, and by
  nothing else.`);
lesson.check(
  'parameters of the network',
  countParameters(network),
  { equals: 203_530 },
  '784·256 + 256 + 256·10 + 10',
);
lesson.check('its loss before', untrained.seen, { near: Math.log(classes), within: 0.15 }, 'ln 10 = 2.303');
lesson.check('its loss after ten epochs', learnt.seen, { atMost: 0.05 }, 'it learns by heart');

lesson.chapter('Exercises');
lesson.say(`
  The answers are programs in the folder \`exercises/\` of this recipe.

  1. The logits are divided by a **temperature** before the softmax. How many tokens share 90 % of the probability at 0.5, 1
  and 2, and what does the answer become? (\`1-temperature.ts\`)
  2. Ask without the template, and with another model's. What is left of the assistant? (\`2-template.ts\`)
  3. Take each block out in turn. Which ones does the answer need? (\`3-blocks.ts\`)`);
lesson.finish();

if (known?.name === 'SmolLM2-135M-Instruct' && !flags.quick && prompt === known.prompt) {
  publish({
    recipe: 'anatomy',
    text: known.name,
    run: `\`pnpm recipe anatomy --backend ${backend.name} --seed ${flags.seed}\`, ${seconds(began)} on \`${backend.name}\`.`,
    checks: lesson.checks,
    readme: here('README.md'),
    docs: {
      page: here('../../../docs/recipes.md'),
      folder: flags.out,
      figures: [
        { name: 'rivals', caption: 'The likeliest first tokens of the answer' },
        { name: 'attention', caption: 'What the place looks at where the answer begins' },
        { name: 'lens', caption: 'How far the model is from what it will say, block by block' },
        { name: 'time', caption: 'Where the time of one token goes' },
      ],
      sample: `${prompt}\n${decoded(answerIds)}\n\nHad it begun with the second likeliest token:\n${decoded(others)}`,
    },
  });
}

// ---------------------------------------------------------------------------------------------------------------------

function tellLoading({ stage, name, loadedBytes, totalBytes }: LoadProgress): void {
  const done = `${(loadedBytes / 1e6).toFixed(1)} of ${(totalBytes / 1e6).toFixed(1)} MB`;
  lesson.progress(`${stage === 'download' ? `downloading ${name}` : 'loading'}: ${done}`);
}

/** The one of `--model`; without `--data`, else one that this machine has. */
async function givenOrFoundModel(): Promise<FoundModel | undefined> {
  if (flags.model !== undefined)
    return { name: flags.model, pretrained: await openPath(flags.model, { onProgress: tellLoading }) };
  return flags.data === undefined ? findModel({ small: backend.name === 'cpu' }) : undefined;
}

/** What the small model learns from. */
async function corpus(): Promise<string> {
  if (flags.data === undefined) return normalizeNewlines(await readMobyDick());
  const texts: string[] = [];
  for await (const { text } of readTexts(flags.data)) texts.push(normalizeNewlines(text));
  return texts.join('\n');
}

/** A conversation in a template, with what makes the model answer. */
function rendered(template: ChatTemplate, messages: readonly ChatMessage[]): string {
  return template.render(messages, { addGenerationPrompt: true });
}

/** How many tokens of the model a text has. */
function count(text: string): number {
  return tokenizer!.encode(text, { allowedSpecial: 'all' }).length;
}

function decoded(ids: readonly number[]): string {
  return tokenizer!.decode(ids, { skipSpecialTokens: true });
}

/** Whether the vocabulary has all characters of a word; one of characters alone may lack some. */
function isKnown(word: string): boolean {
  try {
    tokenizer!.encode(word);
    return true;
  } catch (error) {
    if (error instanceof UnknownTokenError) return false;
    throw error;
  }
}

/** How many characters of two texts differ, place by place. */
function differing(a: string, b: string): number {
  const [one, two] = [[...a], [...b]];
  const length = Math.max(one.length, two.length);
  return Array.from({ length }, (_, i) => Number(one[i] !== two[i])).reduce((sum, value) => sum + value, 0);
}

/** A token for a label: its spaces visible, and its name where it has no text. */
function label(id: number): string {
  const text = tokenizer!.decode([id]);
  const shown = text === '' ? (tokenizer!.idToToken(id) ?? `#${id}`) : text;
  return spaced(shown.length > 16 ? `${shown.slice(0, 15)}…` : shown);
}

function spaced(text: string): string {
  return oneLine(text).replace(/\p{Zs}/gu, '␣');
}

/** Where in what is read the words of the question stand, without the form around them. */
function placesOfQuestion(): number[] {
  if (chatTemplate === undefined) return Array.from({ length: asking }, (_, i) => i + 1);
  const start = promptText.lastIndexOf(prompt);
  return visualise(tokenizer!, promptText).flatMap((token, place) =>
    token.start >= start && token.end <= start + prompt.length ? [place] : [],
  );
}

/** How many numbers each part reads for one token: all of its tables, but of the embedding a single row. */
function weightsByPart(): Map<Part, number> {
  const { blocks, embedding } = (model as Transformer).anatomy;
  const inBlocks = (part: 'attention' | 'mlp') =>
    blocks.flatMap((block) => table.filter(({ name }) => name.startsWith(`${block.path}.${block[part]}.`)));
  const size = (rows: readonly { count: number }[]) => rows.reduce((sum, { count }) => sum + count, 0);
  const [attention, feedForward] = [size(inBlocks('attention')), size(inBlocks('mlp'))];
  const tables = table.filter(({ shape }) => shape.length === 2 && shape[0] === model.vocabSize);
  const width = tables[0]?.shape[1] ?? 0;
  const vectors = table.filter(({ shape }) => shape.length === 1 && embedding !== '');
  return new Map<Part, number>([
    ['embedding', width],
    ['attention', attention],
    ['feed-forward', feedForward],
    ['norms and sums', size(vectors.filter(({ name }) => /norm|ln_/.test(name)))],
    ['output layer', width * model.vocabSize],
    ['choosing', 0],
  ]);
}

/** At most so many of the numbers 0 … count − 1, the first and the last among them. */
function thinned(count: number, most: number): number[] {
  const shown = Math.min(count, most);
  return Array.from({ length: shown }, (_, i) => Math.round((i * (count - 1)) / (shown - 1)));
}

function percent(logProbability: number): string {
  const share = 100 * Math.exp(logProbability);
  return `${share < 0.95 ? share.toFixed(2) : share.toFixed(1)} %`;
}

function mean(values: readonly number[]): number {
  return sumOf(values) / values.length;
}

function sumOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0);
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
