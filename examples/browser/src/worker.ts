import { type BackendName, DeviceFailedError, selectBackend, untilFailed } from '@minigpt/backends';
import { parameters, Rng } from '@minigpt/core';
import { batches, tokenize } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { generateText } from '@minigpt/sampling';
import { characterTokenizer } from '@minigpt/tokenizers';
import { adamW, restoreState, type TrainingState, train, warmupCosine } from '@minigpt/training';
import { expose } from 'comlink';

export interface RunOptions {
  readonly backend: BackendName | 'auto';
  readonly text: string;
  /** URL of the folder of tfjs-backend-wasm's files. */
  readonly wasmPath: string;
  readonly maxIters: number;
}

/** What the page hears of a run. */
export interface Listener {
  started(description: string, reason: string): void;
  step(step: number, loss: number, tokensPerSecond: number): void;
  /** The graphics card went away, and the run goes on from the last save. */
  failed(message: string): void;
}

const size = { blockSize: 32, nLayer: 2, nHead: 2, nEmbd: 64, bias: false };
const batchSize = 8;

let stop = new AbortController();
/** What completes: the model of the last run, as far as it has come. */
let latest: { model: GPT; tokenizer: ReturnType<typeof characterTokenizer.train> } | undefined;

const trainer = {
  /** Trains a model from nothing, until `maxIters` or {@link stop}. */
  async run({ backend, text, wasmPath, maxIters }: RunOptions, listener: Listener): Promise<void> {
    stop = new AbortController();
    const tokenizer = characterTokenizer.train(text);
    const tokens = tokenize(tokenizer, text);
    let saved: TrainingState | undefined;
    while (true) {
      // WebGL in software is slow, but it is what somebody gets who asks for WebGL by name.
      const started = await selectBackend(backend, { wasmPath, software: backend === 'webgl' });
      await listener.started(started.description, started.reason);
      const rng = new Rng(1337);
      const model = new GPT({ ...size, vocabSize: tokenizer.vocabSize, rng: rng.fold('model') });
      const optimizer = adamW({ parameters: parameters(model), betas: [0.9, 0.99], weightDecay: 0.1 });
      if (saved !== undefined) restoreState({ model, optimizer }, saved);
      latest = { model, tokenizer };
      const events = train({
        model,
        optimizer,
        batch: batches({ tokens, blockSize: size.blockSize, batchSize, rng: rng.fold('batches') }),
        schedule: warmupCosine({ learningRate: 4e-3, minLr: 4e-4, warmupIters: 60, lrDecayIters: maxIters }),
        maxIters,
        signal: stop.signal,
        saveInterval: 20,
        save: async (state) => {
          saved = state;
        },
      });
      try {
        for await (const event of untilFailed(events, started)) {
          if (event.type === 'step') await listener.step(event.step, event.loss, event.tokensPerSecond);
        }
        return;
      } catch (error) {
        if (!(error instanceof DeviceFailedError)) throw error;
        await listener.failed(error.message);
      }
    }
  },

  /** Ends the run after the step under way. */
  stop(): void {
    stop.abort();
  },

  /** Continues the prompt, between the steps of a run, if there is one. */
  async complete(prompt: string, listen: (piece: string) => void): Promise<void> {
    if (latest === undefined) throw new Error('Nothing has been trained yet.');
    const { model, tokenizer } = latest;
    const options = { maxNewTokens: 120, temperature: 0.8, rng: new Rng(Date.now()) };
    for await (const { text } of generateText(model, tokenizer, prompt, options)) await listen(text);
  },
};

export type Trainer = typeof trainer;
expose(trainer);
