import { loadPretrained, type PretrainedModel } from '@minigpt/checkpoints/node';
import type { Tokenizer } from '@minigpt/tokenizers';
import { UsageError } from './errors.ts';

/** What `--model` may be, for a flag's help. */
export const MODEL_NAME = 'folder of a model or a run, or a GGUF, llama2.c or safetensors file';

/** The model that `--model` means, with its tokenizer. @throws what `loadPretrained` throws; UsageError without a tokenizer */
export async function loadModel(
  source: string,
): Promise<PretrainedModel & { readonly tokenizer: Tokenizer }> {
  const loaded = await loadPretrained(source);
  if (hasTokenizer(loaded)) return loaded;
  throw new UsageError(
    `A model needs its tokenizer, but ${source} comes without one; add the tokenizer.json that it was trained with.`,
  );
}

function hasTokenizer(
  loaded: PretrainedModel,
): loaded is PretrainedModel & { readonly tokenizer: Tokenizer } {
  return loaded.tokenizer !== undefined;
}
