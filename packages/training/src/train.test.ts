import {
  ConfigError,
  dispose as disposeModel,
  freeze,
  loadStateDict,
  parameters,
  Rng,
  type StateDict,
  StateDictError,
  type TokenBatch,
} from '@minigpt/core';
import { batches, windows } from '@minigpt/data';
import { describeOnBackends, expectClose, startBackend } from '@minigpt/testing';
import { fill, memory, tidy, type Variable } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adamW } from './adam-w.ts';
import { DivergedError } from './errors.ts';
import type { StepEvent, TrainingEvent } from './events.ts';
import { constant, warmupCosine } from './schedules.ts';
import { sgd } from './sgd.ts';
import { hostTensor, readFixture } from './testing/fixtures.ts';
import { TinyModel } from './testing/tiny-model.ts';
import { type TrainOptions, train } from './train.ts';
import { restoreState, type TrainingState } from './training-state.ts';

const tokens = Uint16Array.from(new Rng(3).integers(200, 7));
const SEED = 1337;

/** Whether the runs of the tests under way are compiled. */
let compile = false;

/** A run on made-up tokens with dropout; each call makes a model and an optimizer of its own. */
function makeRun(options: Partial<TrainOptions> = {}) {
  const model = new TinyModel({ dropout: 0.2 });
  const optimizer = adamW({ parameters: parameters(model), weightDecay: 0.1 });
  const rng = new Rng(SEED).fold('batches');
  const start = (later: Partial<TrainOptions> = {}) =>
    train({
      model,
      optimizer,
      batch: batches({ tokens, blockSize: 4, batchSize: 3, rng }),
      schedule: warmupCosine({ learningRate: 0.05, warmupIters: 3, lrDecayIters: 12 }),
      maxIters: 12,
      seed: SEED,
      compile,
      ...options,
      ...later,
    });
  const free = () => {
    optimizer.dispose();
    disposeModel(model);
  };
  return { model, optimizer, start, free };
}

async function collect(run: AsyncIterable<TrainingEvent>): Promise<TrainingEvent[]> {
  const events: TrainingEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}

const lossesOf = (events: readonly TrainingEvent[]) =>
  events
    .filter((event): event is StepEvent => event.type === 'step')
    .map(({ loss, gradNorm }) => [loss, gradNorm]);

const bits = (model: TinyModel) =>
  [...parameters(model).values()].map((variable) => variable.dataSync().slice());

const outline = (events: readonly TrainingEvent[]) => events.map(({ type, step }) => `${type} ${step}`);

function suite(compiled: boolean): void {
  beforeAll(() => {
    compile = compiled;
  });
  afterAll(() => {
    compile = false;
  });

  it('gives the losses, norms and parameters that PyTorch gives: accumulation, clipping, warm-up and cosine', async () => {
    const fixture = readFixture<{
      accumulation: number;
      shape: [number, number];
      rates: { learning_rate: number; warmup_iters: number; lr_decay_iters: number; min_lr: number };
      grad_clip: number;
      weight_decay: number;
      betas: [number, number];
      shapes: Record<string, number[]>;
      init: Record<string, number[]>;
      ids: number[][][];
      losses: number[];
      grad_norms: number[];
      after: Record<string, number[]>;
    }>('training.json');
    const stateOf = (values: Record<string, number[]>): StateDict =>
      new Map(
        Object.entries(values).map(([name, numbers]) => [name, hostTensor(fixture.shapes[name], numbers)]),
      );
    const model = new TinyModel();
    loadStateDict(model, stateOf(fixture.init));
    const { rates, weight_decay: weightDecay, betas } = fixture;
    const optimizer = adamW({ parameters: parameters(model), weightDecay, betas });
    const batch = (index: number): TokenBatch => ({
      inputs: Int32Array.from(fixture.ids[index].flatMap((ids) => ids.slice(0, -1))),
      targets: Int32Array.from(fixture.ids[index].flatMap((ids) => ids.slice(1))),
      shape: fixture.shape,
    });
    const events = await collect(
      train({
        model,
        optimizer,
        batch,
        schedule: warmupCosine({
          learningRate: rates.learning_rate,
          warmupIters: rates.warmup_iters,
          lrDecayIters: rates.lr_decay_iters,
          minLr: rates.min_lr,
        }),
        maxIters: fixture.losses.length,
        compile,
        gradClip: fixture.grad_clip,
        gradientAccumulationSteps: fixture.accumulation,
      }),
    );
    for (const [i, [loss, gradNorm]] of lossesOf(events).entries()) {
      expect(Math.abs(loss - fixture.losses[i]), `loss of step ${i + 1}`).toBeLessThan(1e-6);
      expect(Math.abs(gradNorm - fixture.grad_norms[i]), `norm of step ${i + 1}`).toBeLessThan(1e-6);
    }
    expect(events.length).toBe(fixture.losses.length);
    for (const [name, expected] of stateOf(fixture.after)) {
      await expectClose(parameters(model).get(name) as Variable, expected, { absolute: 2e-6 }, name);
    }
    optimizer.dispose();
    disposeModel(model);
  });

  it('tells of steps, evaluations and saves in order, in plain numbers', async () => {
    const states: TrainingState[] = [];
    const { start, free } = makeRun({
      maxIters: 5,
      validation: windows({ tokens: tokens.subarray(0, 30), blockSize: 4, batchSize: 2 }),
      evalInterval: 2,
      saveInterval: 3,
      save: async (state) => void states.push(state),
    });
    const events = await collect(start());
    expect(outline(events)).toEqual([
      'evaluation 0',
      'step 1',
      'step 2',
      'evaluation 2',
      'step 3',
      'saved 3',
      'step 4',
      'evaluation 4',
      'step 5',
      'evaluation 5',
      'saved 5',
    ]);
    expect(JSON.parse(JSON.stringify(events))).toEqual(events);
    const step = events[1] as StepEvent;
    expect(step.tokens).toBe(12);
    expect(step.learningRate).toBe(0.0125);
    expect(step.tokensPerSecond).toBeGreaterThan(0);
    for (const event of events) if (event.type === 'evaluation') expect(event.tokens).toBe(29);
    expect(states.map(({ step, seed }) => [step, seed])).toEqual([
      [3, SEED],
      [5, SEED],
    ]);
    expect([...states[0].optimizer.keys()][0]).toBe('wte.exp_avg');
    free();
  });

  it('learns', async () => {
    const cycle = Uint16Array.from({ length: 100 }, (_, i) => i % 7);
    const rng = new Rng(1);
    const validation = windows({ tokens: cycle, blockSize: 4, batchSize: 8 });
    const batch = batches({ tokens: cycle, blockSize: 4, batchSize: 8, rng });
    const { start, free } = makeRun({ validation, batch, schedule: constant(0.1), maxIters: 40 });
    const measured = (await collect(start())).filter(({ type }) => type === 'evaluation');
    expect(measured.length).toBe(2);
    expect((measured[0] as StepEvent).loss).toBeGreaterThan(1.5);
    expect((measured[1] as StepEvent).loss).toBeLessThan(0.1);
    free();
  });

  it('gives the same run for the same seed, bit for bit, and another one for another', async () => {
    const first = makeRun();
    const second = makeRun();
    const other = makeRun({ seed: SEED + 1 });
    const expected = lossesOf(await collect(first.start()));
    expect(lossesOf(await collect(second.start()))).toEqual(expected);
    expect(bits(second.model)).toEqual(bits(first.model));
    expect(lossesOf(await collect(other.start()))).not.toEqual(expected); // dropout masks differ
    for (const { free } of [first, second, other]) free();
  });

  for (const gradientAccumulationSteps of [1, 3]) {
    it(`stopped at step 5 and resumed equals not stopped, bit for bit (${gradientAccumulationSteps} micro-batches)`, async () => {
      const whole = makeRun({ gradientAccumulationSteps });
      const expected = lossesOf(await collect(whole.start()));

      let state: TrainingState | undefined;
      const keep = async (saved: TrainingState) => {
        state ??= saved;
      };
      const stopped = makeRun({
        gradientAccumulationSteps,
        saveInterval: 5,
        save: keep,
      });
      for await (const { step } of stopped.start()) if (step === 7) break;
      expect(state?.step).toBe(5);

      const resumed = makeRun({ gradientAccumulationSteps });
      restoreState(resumed, state as TrainingState);
      expect(lossesOf(await collect(resumed.start()))).toEqual(expected.slice(5));
      expect(bits(resumed.model)).toEqual(bits(whole.model));
      const moments = (run: typeof whole) =>
        [...run.optimizer.variables().values()].map((m) => m.dataSync().slice());
      expect(moments(resumed)).toEqual(moments(whole));
      for (const { free } of [whole, stopped, resumed]) free();
    });
  }

  it('keeps the number of tensors over 50 steps, evaluations and saves', async () => {
    const before = memory().numTensors;
    const { start, free } = makeRun({
      maxIters: 50,
      gradientAccumulationSteps: 2,
      validation: windows({ tokens: tokens.subarray(0, 20), blockSize: 4, batchSize: 2 }),
      evalInterval: 10,
      save: async () => {},
      saveInterval: 10,
    });
    const made = memory().numTensors;
    for await (const event of start()) expect(memory().numTensors, JSON.stringify(event)).toBe(made);
    free();
    expect(memory().numTensors).toBe(before);
  });

  it('ends with the loop: nothing goes on, nothing is saved, nothing leaks, and the run can go on', async () => {
    let saves = 0;
    const { model, optimizer, start, free } = makeRun({
      save: async () => {
        saves++;
      },
    });
    const made = memory().numTensors;
    const seen: number[] = [];
    for await (const { step } of start()) if (seen.push(step) === 3) break;
    expect([seen, optimizer.stepCount, saves]).toEqual([[1, 2, 3], 3, 0]);
    expect(memory().numTensors).toBe(made);

    const whole = makeRun();
    await collect(whole.start());
    expect(outline(await collect(start()))[0]).toBe('step 4');
    expect(bits(model)).toEqual(bits(whole.model));
    free();
    whole.free();
  });

  it('saves once when the signal stops it, after the step under way', async () => {
    const stop = new AbortController();
    let saves = 0;
    const { start, free } = makeRun({
      signal: stop.signal,
      maxIters: 1_000_000,
      save: async () => {
        saves++;
      },
    });
    setTimeout(() => stop.abort(), 20); // a timer gets its turn although steps follow each other without a pause
    const events = outline(await collect(start()));
    const last = events.length - 1;
    expect(events.slice(-2)).toEqual([`step ${last}`, `saved ${last}`]);
    expect(saves).toBe(1);
    expect(await collect(start())).toEqual([]);
    free();
  });

  it('cuts an evaluation short when the signal stops it', async () => {
    const stop = new AbortController();
    const all = [...windows({ tokens, blockSize: 4, batchSize: 1 })];
    let seen = 0;
    const validation = {
      *[Symbol.iterator]() {
        for (const batch of all) {
          if (++seen === 3) stop.abort();
          yield batch;
        }
      },
    };
    const { start, free } = makeRun({ signal: stop.signal, validation });
    expect(await collect(start())).toEqual([]);
    expect(seen).toBe(3);
    free();
  });

  it('throws before a step that is not finite: parameters, state and step count as before, nothing saved', async () => {
    let saves = 0;
    const save = async () => {
      saves++;
    };
    const { model, optimizer, start, free } = makeRun({ maxIters: 3, save });
    await collect(start());
    tidy(() => (parameters(model).get('bias') as Variable).assign(fill([7], Number.POSITIVE_INFINITY)));
    const before = bits(model);
    const count = memory().numTensors;
    const error = await collect(start({ maxIters: 9 })).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DivergedError);
    expect(error).toMatchObject({ step: 4, loss: Number.NaN });
    expect((error as Error).message).toContain('at step 4 the loss is NaN');
    expect(bits(model)).toEqual(before);
    expect(optimizer.stepCount).toBe(3);
    expect(saves).toBe(1);
    expect(memory().numTensors).toBe(count);
    free();
  });

  it('trains what is not frozen, and says so when nothing is left', async () => {
    const { model, start, free } = makeRun({ maxIters: 2 });
    freeze(model, (name) => name === 'wte');
    const [wte, head] = bits(model);
    await collect(start());
    expect(bits(model)[0]).toEqual(wte);
    expect(bits(model)[1]).not.toEqual(head);
    freeze(model);
    expect(() => start()).toThrow('every one of this model is frozen');
    free();
  });
}

describeOnBackends('train', () => suite(false));
describeOnBackends('train, compiled,', () => suite(true), ['node']);

describe('train', () => {
  beforeAll(() => startBackend('cpu'));

  it('refuses impossible settings before it begins', () => {
    const { start, free } = makeRun();
    for (const wrong of [
      { maxIters: 0 },
      { gradClip: -1 },
      { gradientAccumulationSteps: 1.5 },
      { evalInterval: 0 },
      { saveInterval: Number.NaN },
    ]) {
      expect(() => start(wrong)).toThrow(ConfigError);
    }
    free();
  });

  it('refuses a state of another model or optimizer', async () => {
    let state: TrainingState | undefined;
    const keep = async (saved: TrainingState) => {
      state = saved;
    };
    const run = makeRun({ maxIters: 1, save: keep });
    await collect(run.start());
    const other = { model: new TinyModel({ width: 6 }), optimizer: run.optimizer };
    expect(() => restoreState(other, state as TrainingState)).toThrow(StateDictError);
    const otherOptimizer = sgd({ parameters: parameters(run.model), momentum: 0.9 });
    expect(() =>
      restoreState({ model: run.model, optimizer: otherOptimizer }, state as TrainingState),
    ).toThrow(StateDictError);
    otherOptimizer.dispose();
    disposeModel(other.model);
    run.free();
  });
});
