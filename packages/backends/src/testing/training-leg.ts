import { checkpointFiles, type JsonObject, readCheckpoint } from '@minigpt/checkpoints';
import { dispose, parameters, Rng } from '@minigpt/core';
import { batches } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { adamW, captureState, constant, restoreState, train } from '@minigpt/training';

/** The files of a checkpoint in Base64, as they go to a page and come from it. */
export type SavedFiles = Readonly<Record<string, string>>;

/** A part of a run that goes from backend to backend. */
export interface Leg {
  /** Of each of its steps. */
  readonly losses: readonly number[];
  /** The checkpoint that it ends with. */
  readonly files: SavedFiles;
}

const SEED = 5;

/** Trains a small GPT with dropout on the current backend until `maxIters`, from nothing or from a checkpoint. */
export async function trainLeg(maxIters: number, from?: SavedFiles): Promise<Leg> {
  const rng = new Rng(SEED);
  const shape = { vocabSize: 11, blockSize: 8, nLayer: 1, nHead: 2, nEmbd: 8, dropout: 0.1 };
  const model = new GPT({ ...shape, rng: rng.fold('model') });
  const optimizer = adamW({ parameters: parameters(model) });
  if (from !== undefined) {
    const read = async (file: string) => (file in from ? fromBase64(from[file]) : undefined);
    const saved = await readCheckpoint(read, { name: 'leg' });
    restoreState(
      { model, optimizer },
      { step: Number(saved.training?.step), seed: SEED, model: saved.weights, optimizer: saved.optimizer! },
    );
  }
  const tokens = Uint16Array.from({ length: 300 }, (_, i) => i ** 2 % 11);
  const losses: number[] = [];
  for await (const event of train({
    model,
    optimizer,
    batch: batches({ tokens, blockSize: 8, batchSize: 4, rng }),
    schedule: constant(3e-3),
    maxIters,
    seed: SEED,
    compile: false,
  })) {
    if (event.type === 'step') losses.push(event.loss);
  }
  const state = await captureState({ model, optimizer }, SEED);
  const files = await checkpointFiles({
    config: model.toConfig() as JsonObject,
    weights: state.model,
    optimizer: state.optimizer,
    training: { step: state.step },
  });
  dispose(model);
  optimizer.dispose();
  return {
    losses,
    files: Object.fromEntries([...files].map(([file, pieces]) => [file, toBase64(pieces)])),
  };
}

const toBase64 = (pieces: readonly Uint8Array[]) =>
  btoa(pieces.flatMap((bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte))).join(''));

const fromBase64 = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
