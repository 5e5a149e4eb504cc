import { halvesToPairs } from '../hugging-face/rotary-order.ts';
import { isRecord, type JsonObject } from '../json.ts';
import { bytesOf } from '../safetensors/write.ts';
import { checkTensors } from '../source/check-tensors.ts';
import type { LazyStateDict } from '../source/lazy-state-dict.ts';
import { Llama2cError } from './errors.ts';
import { HEADER_BYTES, type Llama2cSizes, layOut } from './layout.ts';
import { FIXED, MAGIC } from './open.ts';

export interface Llama2cModel {
  /** A `config.json` of `model_type` llama, in the spelling of transformers 4 or 5. */
  readonly config: JsonObject;
  /** Under the names of Hugging Face. */
  readonly weights: LazyStateDict;
}

export interface Llama2cOptions {
  /** Version 0 is what llama2.c's `run` reads; version 1 has a header that can be told. Default 0. */
  readonly version?: 0 | 1;
}

/**
 * A Llama as llama2.c's `.bin` in float32, in pieces that are written one after another; each tensor is read when its turn comes.
 *
 * @throws Llama2cError before the first piece, for a setting that llama2.c does not have, by name
 * @throws StateDictError before the first piece, with every tensor that is missing, unexpected or misshapen
 */
export async function* llama2cChunks(
  { config, weights }: Llama2cModel,
  { version = 0 }: Llama2cOptions = {},
): AsyncGenerator<Uint8Array> {
  const sizes = sizesOf(config);
  const slots = layOut(sizes, { version });
  const shapes = slots.flatMap(({ name, shape }) => (name === undefined ? [] : [[name, shape] as const]));
  checkTensors(weights.tensors, new Map(shapes));
  yield header(sizes, version);
  for (const { name, rotaryHeads } of slots) {
    if (name === undefined) {
      yield bytesOf(rotaryTable(sizes));
      continue;
    }
    const tensor = await weights.read(name);
    yield bytesOf((rotaryHeads === undefined ? tensor : halvesToPairs(tensor, rotaryHeads)).data);
  }
}

function sizesOf(config: JsonObject): Llama2cSizes {
  const size = (key: string): number => {
    const value = config[key];
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
    throw new Llama2cError(
      'config',
      `${key} must be a positive integer, but it is ${JSON.stringify(value)}.`,
    );
  };
  const sizes: Llama2cSizes = {
    width: size('hidden_size'),
    hidden: size('intermediate_size'),
    layers: size('num_hidden_layers'),
    heads: size('num_attention_heads'),
    kvHeads: size(config.num_key_value_heads == null ? 'num_attention_heads' : 'num_key_value_heads'),
    vocabulary: size('vocab_size'),
    contextLength: size('max_position_embeddings'),
    tied: config.tie_word_embeddings === true,
  };
  const rope = isRecord(config.rope_parameters) ? config.rope_parameters : undefined;
  const scaling = isRecord(config.rope_scaling) ? config.rope_scaling : rope;
  /** What llama2.c has in its source, against what the config says. */
  const settings: [key: string, actual: unknown, only: unknown][] = [
    ['model_type', config.model_type, 'llama'],
    ['hidden_act', config.hidden_act ?? FIXED.hidden_act, FIXED.hidden_act],
    ['rms_norm_eps', config.rms_norm_eps, FIXED.rms_norm_eps],
    ['rope_theta', config.rope_theta ?? rope?.rope_theta ?? FIXED.rope_theta, FIXED.rope_theta],
    ['rope_scaling', scaling?.rope_type ?? scaling?.type ?? 'default', 'default'],
    ['head_dim', config.head_dim ?? sizes.width / sizes.heads, sizes.width / sizes.heads],
    ['attention_bias', config.attention_bias ?? false, false],
    ['mlp_bias', config.mlp_bias ?? false, false],
  ];
  for (const [key, actual, only] of settings) {
    if (actual === only) continue;
    throw new Llama2cError(
      'config',
      `llama2.c knows ${key} = ${JSON.stringify(only)} alone, but the model has ${JSON.stringify(actual)}; ` +
        'write safetensors instead.',
    );
  }
  return sizes;
}

function header(sizes: Llama2cSizes, version: 0 | 1): Uint8Array {
  const { width, hidden, layers, heads, kvHeads, vocabulary, contextLength, tied } = sizes;
  const bytes = new Uint8Array(HEADER_BYTES[version]);
  const view = new DataView(bytes.buffer);
  const signed = version === 0 && !tied ? -vocabulary : vocabulary;
  const begin = version === 0 ? 0 : 8;
  for (const [i, size] of [width, hidden, layers, heads, kvHeads, signed, contextLength].entries()) {
    view.setInt32(begin + 4 * i, size, true);
  }
  if (version === 1) {
    view.setUint32(0, MAGIC, true);
    view.setInt32(4, version, true);
    view.setUint8(36, Number(tied));
  }
  return bytes;
}

/** `[2, T, D/2]`: cosines, then sines, of position times frequency; `run` computes its own and skips these. */
function rotaryTable({ width, heads, contextLength }: Llama2cSizes): Float32Array {
  const half = width / heads / 2;
  const table = new Float32Array(2 * contextLength * half);
  for (let position = 0; position < contextLength; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * FIXED.rope_theta ** (-i / half);
      table[position * half + i] = Math.cos(angle);
      table[(contextLength + position) * half + i] = Math.sin(angle);
    }
  }
  return table;
}
