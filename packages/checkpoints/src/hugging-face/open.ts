import { loadTokenizer, readVocabAndMerges, type TokenizerJson } from '@minigpt/tokenizers';
import { CheckpointFileError } from '../errors.ts';
import { isRecord, type JsonObject } from '../json.ts';
import { openWeights } from '../sharded/open-sharded.ts';
import { readWhole, type SourceFolder } from '../source/folder.ts';
import { underModelNames } from './model-names.ts';
import { PICKLE } from './pickle.ts';
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

/** What older checkpoints have where there is no `tokenizer.json`: SentencePiece's model, or GPT-2's two files. */
const SENTENCEPIECE_FILE = 'tokenizer.model';
const VOCABULARY_FILE = 'vocab.json';
const MERGES_FILE = 'merges.txt';
/** Texts of special tokens, in `tokenizer_config.json` too since. */
const SPECIAL_TOKENS_FILE = 'special_tokens_map.json';
/** Weights that are not read. */
const PICKLES = ['pytorch_model.bin', 'pytorch_model.bin.index.json'];

export interface OpenHuggingFaceOptions {
  /** The file of weights. Default `model.safetensors`, or the shards of its index. */
  readonly weightsFile?: string;
}

/**
 * Opens a folder as `transformers` writes it and the hub serves it; weights, in one file or shards, are read when they are asked
 * for, under the names that the model gives its parameters.
 *
 * @throws CheckpointFileError for a file that is missing or broken
 * @throws ShardError for shards that do not belong together; DuplicateWeightError
 * @throws TokenizerError for a vocabulary that cannot be read
 */
export async function openHuggingFace(
  folder: SourceFolder,
  { weightsFile = HUGGING_FACE_FILES.weights }: OpenHuggingFaceOptions = {},
): Promise<Pretrained> {
  const files = HUGGING_FACE_FILES;
  const config = await readConfig(folder);
  const generationConfig = await readJson(folder, files.generationConfig);
  const specialTokens = await readJson(folder, SPECIAL_TOKENS_FILE);
  const ownTokenizerConfig = await readJson(folder, files.tokenizerConfig);
  const tokenizerConfig =
    specialTokens === undefined ? ownTokenizerConfig : { ...specialTokens, ...ownTokenizerConfig };
  const tokenizer = await readTokenizer(folder);
  const template = await readWhole(folder, files.chatTemplate);
  const chatTemplate =
    template === undefined ? templateIn(tokenizerConfig) : decode(folder, files.chatTemplate, template);
  const weights = await openWeights(folder, weightsFile);
  if (weights === undefined) throw await missingWeights(folder, weightsFile);
  try {
    return {
      name: folder.name,
      config,
      generationConfig,
      weights: underModelNames(config, weights),
      tokenizer,
      tokenizerConfig,
      chatTemplate,
    };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

/** `config.json` alone. @throws CheckpointFileError where it is missing or broken */
export async function readConfig(
  folder: SourceFolder,
  file: string = HUGGING_FACE_FILES.config,
): Promise<JsonObject> {
  const config = await readJson(folder, file);
  if (config === undefined) throw missing(folder, file);
  return config;
}

async function missingWeights(folder: SourceFolder, file: string): Promise<CheckpointFileError> {
  for (const name of PICKLES) {
    const pickle = await folder.open(name);
    await pickle?.close();
    if (pickle !== undefined) {
      return new CheckpointFileError(folder.name, file, `it is missing, there is ${name} instead: ${PICKLE}`);
    }
  }
  return missing(folder, file);
}

async function readTokenizer(folder: SourceFolder): Promise<TokenizerJson | undefined> {
  const json = await readJson(folder, HUGGING_FACE_FILES.tokenizer);
  if (json !== undefined) return json as unknown as TokenizerJson;
  const model = await readWhole(folder, SENTENCEPIECE_FILE);
  if (model !== undefined) return loadTokenizer(model).toJSON();
  const vocabulary = await readWhole(folder, VOCABULARY_FILE);
  const merges = await readWhole(folder, MERGES_FILE);
  if (vocabulary === undefined || merges === undefined) return undefined;
  return readVocabAndMerges(decode(folder, VOCABULARY_FILE, vocabulary), decode(folder, MERGES_FILE, merges));
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
