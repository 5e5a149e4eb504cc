import { loadCheckpoint } from '@minigpt/checkpoints/node';
import { loadStateDict } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { loadTokenizer } from '@minigpt/tokenizers';
import { UsageError } from './errors.ts';
import { checkpointOf } from './run-folder.ts';

/** The model and tokenizer that `--model DIR` means: a checkpoint folder, or the folder of a run that holds one. */
export async function loadModel(folder: string) {
  const { config, weights, tokenizer } = await loadCheckpoint(checkpointOf(folder), { optimizer: false });
  if (tokenizer === undefined) throw new UsageError(`${folder} has no tokenizer.json.`);
  const model = modelFromConfig(config);
  loadStateDict(model, weights);
  return { model, tokenizer: loadTokenizer(tokenizer) };
}
