import { loadTokenizer, type TokenizerJson } from '@minigpt/tokenizers';
import { CheckpointFileError } from '../errors.ts';
import { isRecord, type JsonObject } from '../json.ts';
import { openWeights } from '../sharded/open-sharded.ts';
import { readWhole, type SourceFolder } from '../source/folder.ts';
import type { Pretrained } from './pretrained.ts';

/** The files of a Hugging Face folder. */
export const HUGGING_FACE_FILES = {
  config: 'config.json',
  generationConfig: 'generation_config.json',
  weights: 'model.safetensors',
  tokenizer: 'tokenizer.json',
  tokenizerConfig: 'tokenizer_config.json',
  chatTemplate: 'chat_template.jinja',
} as const;

/** SentencePiece's model, where there is no `tokenizer.json`. */
const SENTENCEPIECE_FILE = 'tokenizer.model';

/**
 * Opens a folder as `transformers` writes it and the hub serves it; weights, in one file or shards, are read when they are asked
 * for.
 *
 * @throws CheckpointFileError for a file that is missing or broken
 * @throws ShardError for shards that do not belong together
 * @throws TokenizerError for a SentencePiece model that cannot be read
 */
export async function openHuggingFace(folder: SourceFolder): Promise<Pretrained> {
  const files = HUGGING_FACE_FILES;
  const config = await readJson(folder, files.config);
  if (config === undefined) throw missing(folder, files.config);
  const generationConfig = await readJson(folder, files.generationConfig);
  const tokenizerConfig = await readJson(folder, files.tokenizerConfig);
  const tokenizer = await readTokenizer(folder);
  const template = await readWhole(folder, files.chatTemplate);
  const chatTemplate =
    template === undefined ? templateIn(tokenizerConfig) : decode(folder, files.chatTemplate, template);
  const weights = await openWeights(folder, files.weights);
  if (weights === undefined) throw missing(folder, files.weights);
  return { config, generationConfig, weights, tokenizer, tokenizerConfig, chatTemplate };
}

async function readTokenizer(folder: SourceFolder): Promise<TokenizerJson | undefined> {
  const json = await readJson(folder, HUGGING_FACE_FILES.tokenizer);
  if (json !== undefined) return json as unknown as TokenizerJson;
  const model = await readWhole(folder, SENTENCEPIECE_FILE);
  return model && loadTokenizer(model).toJSON();
}

/** A template, or the default one of several; transformers 5 keeps it in a file of its own. */
function templateIn(tokenizerConfig: JsonObject | undefined): string | undefined {
  const template = tokenizerConfig?.chat_template;
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return undefined;
  const named: unknown = template.find((item) => isRecord(item) && item.name === 'default');
  return isRecord(named) && typeof named.template === 'string' ? named.template : undefined;
}

async function readJson(folder: SourceFolder, file: string): Promise<JsonObject | undefined> {
  const bytes = await readWhole(folder, file);
  if (bytes === undefined) return undefined;
  const text = decode(folder, file, bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointFileError(folder.name, file, `it is no JSON (${(cause as Error).message}).`, {
      cause,
    });
  }
  if (isRecord(value)) return value;
  throw new CheckpointFileError(folder.name, file, 'it must hold a JSON object.');
}

function decode(folder: SourceFolder, file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CheckpointFileError(folder.name, file, 'it is not UTF-8.', { cause });
  }
}

function missing(folder: SourceFolder, file: string): CheckpointFileError {
  return new CheckpointFileError(folder.name, file, 'it is missing.');
}
