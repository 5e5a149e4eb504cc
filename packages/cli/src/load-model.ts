import { loadModel as loadCheckpointModel } from '@minigpt/checkpoints/node';
import { UsageError } from './errors.ts';
import { checkpointOf } from './run-folder.ts';

/** The model and tokenizer that `--model DIR` means: a checkpoint folder, or the folder of a run that holds one. */
export async function loadModel(folder: string) {
  const { model, tokenizer } = await loadCheckpointModel(checkpointOf(folder));
  if (tokenizer === undefined) {
    throw new UsageError(
      `A model needs its tokenizer, but ${folder} has no tokenizer.json; add the one it was trained with.`,
    );
  }
  return { model, tokenizer };
}
