import { SafetensorsError } from '../errors.ts';
import { isRecord, toJson } from '../json.ts';
import { readSafetensors } from '../safetensors/read.ts';
import { safetensorsChunks } from '../safetensors/write.ts';
import { readWhole, type SourceFolder } from '../source/folder.ts';
import { adapterTensors, type LoraAdapter, loraAdapter } from './adapter.ts';
import { LoraError } from './errors.ts';

const CONFIG_FILE = 'adapter_config.json';
const WEIGHTS_FILE = 'adapter_model.safetensors';

/**
 * Reads an adapter in PEFT's layout (huggingface/peft, docs/source/developer_guides/checkpoint.md).
 *
 * @throws LoraError where a file is missing or broken, or has what is not implemented
 */
export async function readLora(folder: SourceFolder): Promise<LoraAdapter> {
  const [configBytes, weightsBytes] = await Promise.all([
    readWhole(folder, CONFIG_FILE),
    readWhole(folder, WEIGHTS_FILE),
  ]);
  const missing = configBytes === undefined ? CONFIG_FILE : WEIGHTS_FILE;
  if (configBytes === undefined || weightsBytes === undefined) {
    throw new LoraError(
      'file',
      `An adapter has ${CONFIG_FILE} and ${WEIGHTS_FILE}, but ${folder.name} lacks ${missing}.`,
    );
  }
  return loraAdapter(parseConfig(configBytes), readWeights(weightsBytes));
}

/** The files of an adapter, each in pieces that may be written one after another. */
export function loraFiles(adapter: LoraAdapter): Map<string, readonly Uint8Array[]> {
  const config = new TextEncoder().encode(`${toJson(adapter.config, 2)}\n`);
  const weights = safetensorsChunks(adapterTensors(adapter), { format: 'pt' });
  return new Map<string, readonly Uint8Array[]>([
    [CONFIG_FILE, [config]],
    [WEIGHTS_FILE, weights],
  ]);
}

function parseConfig(bytes: Uint8Array) {
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new LoraError(
      'file',
      `${CONFIG_FILE} must be JSON in UTF-8 (${(cause as Error).message}).`,
      undefined,
      {
        cause,
      },
    );
  }
  if (isRecord(config)) return config;
  throw new LoraError('file', `${CONFIG_FILE} must hold a JSON object.`);
}

function readWeights(bytes: Uint8Array) {
  try {
    return readSafetensors(bytes).tensors;
  } catch (cause) {
    if (!(cause instanceof SafetensorsError)) throw cause;
    throw new LoraError('file', `${WEIGHTS_FILE} cannot be used. ${cause.message}`, cause.tensor, { cause });
  }
}
