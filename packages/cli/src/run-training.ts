import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { type SelectedBackend, selectBackend } from '@minigpt/backends';
import { loadCheckpoint, saveCheckpoint } from '@minigpt/checkpoints/node';
import { countParameters, Rng, type TokenBatch } from '@minigpt/core';
import { batches, splitText, tokenize } from '@minigpt/data';
import { lossCurve, RunningMean } from '@minigpt/report';
import { duration, grouped } from '@minigpt/report/node';
import { loadTokenizer, type Tokenizer } from '@minigpt/tokenizers';
import {
  DivergedError,
  restoreState,
  type StepEvent,
  type TrainingEvent,
  train,
  warmupCosine,
} from '@minigpt/training';
import pc from 'picocolors';
import { buildModel, buildOptimizer, textDigest } from './build.ts';
import { compileOption } from './compile.ts';
import { type Console, field, PROGRAM } from './console.ts';
import { type Corpus, readCorpus } from './corpus.ts';
import { InterruptedError, UsageError } from './errors.ts';
import { evaluationWindows } from './evaluation-windows.ts';
import { interruptSignal } from './interrupt.ts';
import { Metrics } from './metrics.ts';
import { runFolder } from './run-folder.ts';
import { streamSample } from './sample.ts';
import type { RunSettings } from './settings.ts';
import { openTokenizer } from './tokenizer.ts';

export interface RunTrainingOptions {
  readonly console: Console;
  /** Go on with the checkpoint in `settings.out`. */
  readonly resume?: boolean;
  /** Tokens to write at the end. */
  readonly sampleLength?: number;
  /** The backend, if it has been started already. */
  readonly backend?: SelectedBackend;
}

/** Where a compiled step cuts its batches into a part for each processor, their operations need no threads of their own. */
function threadsFor({ compile, dropout, batchSize }: RunSettings): { readonly threadsPerOperation?: number } {
  const isCut =
    compile !== 'off' && compile !== 'xla' && dropout === 0 && batchSize % availableParallelism() === 0;
  return isCut ? { threadsPerOperation: 1 } : {};
}

/** What `training.json` keeps of a run beside its step and seed. */
interface SavedRun {
  readonly step: number;
  readonly seed: number;
  readonly settings: RunSettings;
  readonly textSha256: string;
}

/**
 * Trains a model as the settings say, telling a person and a program about it, and leaves a checkpoint, the metrics and the
 * loss curve in `settings.out`.
 */
export async function runTraining(settings: RunSettings, options: RunTrainingOptions): Promise<void> {
  const { console, resume = false } = options;
  const paths = runFolder(settings.out);
  if (!resume && existsSync(paths.checkpoint)) {
    throw new UsageError(
      `${settings.out} holds a run already; add --resume to go on with it, or name another folder with --out.`,
    );
  }
  const signal = interruptSignal(() => console.say('\nStopping after this step; saving …'));
  const saved = resume ? await loadCheckpoint(paths.checkpoint) : undefined;
  const savedRun = saved?.training as unknown as SavedRun | undefined;

  const corpus = await readCorpus(settings.data);
  const sha = textDigest(corpus.text);
  if (savedRun !== undefined && savedRun.textSha256 !== sha) {
    throw new UsageError(
      `A run is resumed on the text that it began with, but ${settings.data} has changed since; start a new run in another --out.`,
    );
  }
  const tokenizer = saved?.tokenizer
    ? loadTokenizer(saved.tokenizer)
    : await openTokenizer(settings.tokenizer, corpus.text);
  const split = splitText(corpus.text);
  const tokens = {
    train: tokenize(tokenizer, split.train),
    validation: tokenize(tokenizer, split.validation),
  };
  const { blockSize, batchSize, evalIters } = settings;
  const rng = new Rng(settings.seed);
  const batch = batches({ tokens: tokens.train, blockSize, batchSize, rng: rng.fold('batches') });
  const sampled = batches({ tokens: tokens.validation, blockSize, batchSize, rng: rng.fold('evaluation') });

  const metrics = savedRun
    ? await Metrics.reopen(paths.metrics, savedRun.step)
    : await Metrics.create(paths.metrics);
  const backend = options.backend ?? (await selectBackend(settings.backend, threadsFor(settings)));
  const model = buildModel(settings, tokenizer.vocabSize);
  const optimizer = buildOptimizer(settings, model);
  const whole = evaluationWindows(model, tokens.validation, 4 * batchSize);
  if (saved !== undefined && savedRun !== undefined) {
    const { step, seed } = savedRun;
    restoreState(
      { model, optimizer },
      { step, seed, model: saved.weights, optimizer: saved.optimizer ?? new Map() },
    );
  }

  describe(console, { corpus, tokenizer, backend, settings, parameters: countParameters(model) });
  console.emit({
    type: 'run',
    backend: backend.name,
    reason: backend.reason,
    parameters: countParameters(model),
    vocabSize: tokenizer.vocabSize,
    trainTokens: tokens.train.length,
    validationTokens: tokens.validation.length,
    startStep: optimizer.stepCount,
    settings,
  });
  if (optimizer.stepCount > 0) console.say(`Going on after step ${optimizer.stepCount}.\n`);

  /** The held-out tenth whole at the end, and the same few batches of it at each interval. */
  const validation: Iterable<TokenBatch> = {
    [Symbol.iterator]: () =>
      optimizer.stepCount >= settings.maxIters
        ? whole[Symbol.iterator]()
        : Array.from({ length: evalIters }, (_, i) => sampled(i))[Symbol.iterator](),
  };
  const { maxIters, seed, gradClip, gradientAccumulationSteps, evalInterval } = settings;
  const report = new Report(console, settings, optimizer.stepCount);
  try {
    for await (const event of train({
      model,
      optimizer,
      batch,
      schedule: warmupCosine(settings),
      maxIters,
      seed,
      gradClip,
      gradientAccumulationSteps,
      compile: await compileOption(settings.compile),
      validation,
      evalInterval,
      saveInterval: evalInterval,
      save: (state) =>
        saveCheckpoint(paths.checkpoint, {
          config: model.toConfig(),
          weights: state.model,
          optimizer: state.optimizer,
          tokenizer: tokenizer.toJSON(),
          training: { step: state.step, seed: state.seed, settings: { ...settings }, textSha256: sha },
        }),
      signal,
    })) {
      await metrics.add(event);
      console.emit(event);
      report.tell(event);
      if (event.type === 'saved') await drawLossCurve(paths.lossCurve, corpus, metrics);
    }
  } catch (error) {
    console.progress.done();
    if (error instanceof DivergedError && existsSync(paths.checkpoint)) {
      console.say(`The last good checkpoint is kept in ${paths.checkpoint}.`);
    }
    throw error;
  }

  if (signal.aborted) {
    const { stepCount } = optimizer;
    const where =
      stepCount > 0 ? ` It is saved; go on with: ${PROGRAM} train --resume --out ${settings.out}` : '';
    throw new InterruptedError(`Stopped after step ${stepCount} of ${maxIters}.${where}`);
  }
  await drawLossCurve(paths.lossCurve, corpus, metrics);
  if (options.sampleLength !== undefined) {
    console.say(pc.bold(`\nA sample of ${options.sampleLength} tokens:`));
    await streamSample({
      console,
      model,
      tokenizer,
      maxNewTokens: options.sampleLength,
      temperature: 0.8,
      seed,
      signal,
    });
  }
  console.say(pc.bold('\nWritten:'));
  console.say(field('checkpoint', paths.checkpoint));
  console.say(field('metrics', paths.metrics));
  console.say(field('loss curve', paths.lossCurve));
  console.say(`\nMore of its writing: ${PROGRAM} sample --model ${settings.out} --max-new-tokens 300`);
  console.emit({ type: 'finished', step: optimizer.stepCount, ...paths });
}

interface Description {
  readonly corpus: Corpus;
  readonly tokenizer: Tokenizer;
  readonly backend: SelectedBackend;
  readonly settings: RunSettings;
  readonly parameters: number;
}

function describe(console: Console, { corpus, tokenizer, backend, settings, parameters }: Description): void {
  const { model, nLayer, nHead, nEmbd, blockSize, batchSize } = settings;
  const shape = {
    gpt: `${counted(nLayer, 'layer')}, ${counted(nHead, 'head')}, width ${nEmbd}`,
    mlp: `width ${nEmbd}`,
    bigram: 'one table',
  };
  console.say(pc.bold(`Training a ${model} on ${corpus.name}`));
  console.say(field('backend', `${backend.name}: ${backend.description}, tfjs ${backend.version}`));
  console.say(field('', pc.dim(`because ${backend.reason}`)));
  console.say(field('text', `${grouped(corpus.text.length)} characters, the last tenth held out`));
  console.say(field('vocabulary', `${grouped(tokenizer.vocabSize)} tokens (${settings.tokenizer})`));
  console.say(field('model', `${shape[model]}, context ${blockSize}; ${grouped(parameters)} parameters`));
  console.say(field('batches', `${batchSize} × ${blockSize} tokens; ${grouped(settings.maxIters)} steps\n`));
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

async function drawLossCurve(path: string, corpus: Corpus, { train, validation }: Metrics): Promise<void> {
  if (train.length === 0) return;
  await writeFile(path, lossCurve({ title: `Loss on ${corpus.name}`, train, validation }));
}

/** Tells a person how a run goes. */
class Report {
  readonly #console: Console;
  readonly #settings: RunSettings;
  readonly #unit: string;
  #steps = 0;
  #seconds = 0;
  readonly #loss = new RunningMean();

  constructor(console: Console, settings: RunSettings, startStep: number) {
    this.#console = console;
    this.#settings = settings;
    this.#unit = settings.tokenizer === 'char' ? 'character' : 'token';
    if (startStep >= settings.maxIters)
      console.say(`All ${settings.maxIters} steps have been taken already.`);
  }

  tell(event: TrainingEvent): void {
    if (event.type === 'step') this.#step(event);
    if (event.type === 'evaluation') this.#evaluation(event);
  }

  #step({ step, loss, tokens, tokensPerSecond }: StepEvent): void {
    const { maxIters } = this.#settings;
    this.#steps++;
    this.#seconds += tokens / tokensPerSecond;
    const perStep = this.#seconds / this.#steps;
    const parts = [
      `step ${String(step).padStart(String(maxIters).length)}/${maxIters}`,
      `loss ${this.#loss.add(loss).toFixed(3)}`,
      `${grouped(tokens / perStep)} tokens/s`,
      `${duration((maxIters - step) * perStep)} left`,
    ];
    this.#console.progress.update(parts.join('  '));
  }

  #evaluation({ step, loss, tokens }: Extract<TrainingEvent, { type: 'evaluation' }>): void {
    const { maxIters } = this.#settings;
    const extent = step >= maxIters ? 'the whole held-out tenth' : `${grouped(tokens)} held-out tokens`;
    this.#console.say(
      `${pc.cyan(`step ${step}`)}: validation loss ${pc.bold(loss.toFixed(3))} nats per ${this.#unit} ${pc.dim(`on ${extent}`)}`,
    );
  }
}
