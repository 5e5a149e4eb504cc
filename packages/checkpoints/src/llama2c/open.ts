import type { HostTensor } from '@minigpt/core';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import { pairsToHalves } from '../hugging-face/rotary-order.ts';
import { dtypeOf } from '../safetensors/dtypes.ts';
import type { ByteSource } from '../source/byte-source.ts';
import {
  elementCount,
  type LazyStateDict,
  type TensorInfo,
  TensorNotFoundError,
} from '../source/lazy-state-dict.ts';
import { Llama2cError } from './errors.ts';
import {
  fileBytes,
  HEADER_BYTES,
  type Llama2cFormat,
  type Llama2cSizes,
  layOut,
  type Slot,
} from './layout.ts';

/** "ak42", the first four bytes of versions 1 and 2. */
export const MAGIC = 0x616b3432;

/** What llama2.c has in its source rather than in its files (run.c). */
export const FIXED = { rms_norm_eps: 1e-5, rope_theta: 10_000, hidden_act: 'silu' } as const;

/**
 * Opens a model of llama2.c (karpathy/llama2.c, export.py and run.c): version 0 without a mark, version 1 in float32, version 2
 * in int8 groups, which are widened. What comes is `model_type` llama under Hugging Face's names, rows of queries and keys in
 * Hugging Face's order. The tokenizer is a file of its own, which `loadTokenizer` reads.
 *
 * @throws Llama2cError where the header is not one, or the file is shorter or longer than it says
 */
export async function openLlama2c(source: ByteSource): Promise<Pretrained> {
  const { sizes, format } = await readHeader(source);
  const expected = fileBytes(sizes, format);
  if (source.size !== expected) {
    throw new Llama2cError(
      'length',
      `The header of ${source.name} describes a file of ${expected} bytes, but it has ${source.size}; ` +
        'it is truncated, or not a model of llama2.c.',
    );
  }
  const ids = { bos_token_id: 1, eos_token_id: 2 };
  return {
    name: source.name,
    config: {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      ...FIXED,
      hidden_size: sizes.width,
      intermediate_size: sizes.hidden,
      num_hidden_layers: sizes.layers,
      num_attention_heads: sizes.heads,
      num_key_value_heads: sizes.kvHeads,
      head_dim: sizes.width / sizes.heads,
      vocab_size: sizes.vocabulary,
      max_position_embeddings: sizes.contextLength,
      rope_scaling: null,
      attention_bias: false,
      mlp_bias: false,
      tie_word_embeddings: sizes.tied,
      torch_dtype: 'float32',
      ...ids,
    },
    // Stories are parted by BOS: run.c stops at it.
    generationConfig: { ...ids, eos_token_id: [1, 2] },
    weights: weightsOf(source, layOut(sizes, format), format),
  };
}

async function readHeader(source: ByteSource): Promise<{ sizes: Llama2cSizes; format: Llama2cFormat }> {
  const short = source.size < HEADER_BYTES[0];
  if (short)
    throw new Llama2cError('header', `${source.name} has ${source.size} bytes, too few for a header.`);
  const bytes = await source.readAt(0, Math.min(source.size, HEADER_BYTES[1]));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hasMark = view.getUint32(0, true) === MAGIC;
  if (!hasMark) {
    const sizes = readSizes(view, 0);
    return { sizes, format: { version: 0 } };
  }
  const version = view.getInt32(4, true);
  if (version !== 1 && version !== 2) {
    throw new Llama2cError('version', `Versions 0, 1 and 2 are read, but ${source.name} has ${version}.`);
  }
  if (bytes.length < HEADER_BYTES[version]) {
    throw new Llama2cError('header', `${source.name} has ${source.size} bytes, too few for a header.`);
  }
  const sizes = { ...readSizes(view, 8), tied: view.getUint8(36) !== 0 };
  if (version === 1) return { sizes, format: { version } };
  const groupSize = view.getInt32(37, true);
  if (groupSize < 1 || sizes.width % groupSize !== 0 || sizes.hidden % groupSize !== 0) {
    throw new Llama2cError(
      'group size',
      `Rows of ${sizes.width} and ${sizes.hidden} values must be whole groups, but a group has ${groupSize}.`,
    );
  }
  return { sizes, format: { version, groupSize } };
}

/** Seven integers. In version 0 a negative vocabulary says that the output is not the embedding. */
function readSizes(view: DataView, at: number): Llama2cSizes {
  const [width, hidden, layers, heads, kvHeads, vocabulary, contextLength] = Array.from(
    { length: 7 },
    (_, i) => view.getInt32(at + 4 * i, true),
  );
  const sizes = {
    width,
    hidden,
    layers,
    heads,
    kvHeads,
    vocabulary: Math.abs(vocabulary),
    contextLength,
    tied: vocabulary > 0,
  };
  const counts = [width, hidden, layers, heads, kvHeads, sizes.vocabulary, contextLength];
  if (counts.some((count) => count < 1) || heads % kvHeads !== 0 || width % (2 * heads) !== 0) {
    throw new Llama2cError(
      'sizes',
      `A model has positive sizes, heads of an even size, and as many queries for each key; this header says ` +
        `${JSON.stringify(sizes)}.`,
    );
  }
  return sizes;
}

function weightsOf(
  source: ByteSource,
  slots: readonly Slot[],
  { version, groupSize = 1 }: Llama2cFormat,
): LazyStateDict {
  const tensors = new Map<string, TensorInfo>();
  const places = new Map<string, { readonly slot: Slot; readonly begin: number }>();
  let begin: number = HEADER_BYTES[version];
  for (const slot of slots) {
    if (slot.name !== undefined) {
      const storedAs = slot.quantized ? 'Q8' : 'F32';
      tensors.set(slot.name, { shape: slot.shape, dtype: 'float32', storedAs, storedBytes: slot.bytes });
      places.set(slot.name, { slot, begin });
    }
    begin += slot.bytes;
  }
  return {
    tensors,
    async read(name) {
      const place = places.get(name);
      if (place === undefined) throw new TensorNotFoundError(name, source.name);
      const { shape, rotaryHeads, quantized, bytes } = place.slot;
      const stored = await source.readAt(place.begin, bytes);
      const data = quantized ? dequantize(stored, elementCount(shape), groupSize) : floats(stored, name);
      const tensor: HostTensor = { dtype: 'float32', shape, data };
      return rotaryHeads === undefined ? tensor : pairsToHalves(tensor, rotaryHeads);
    },
    close: () => source.close(),
  };
}

function floats(bytes: Uint8Array, name: string): HostTensor['data'] {
  return dtypeOf('F32').decode(bytes, name);
}

/** All int8 values, then the scale of each group. */
function dequantize(bytes: Uint8Array, elements: number, groupSize: number): Float32Array {
  const scales = floats(bytes.subarray(elements), 'scales');
  const values = new Float32Array(elements);
  for (let group = 0, i = 0; group < scales.length; group++) {
    const scale = scales[group];
    for (const end = i + groupSize; i < end; i++) values[i] = scale * ((bytes[i] << 24) >> 24);
  }
  return values;
}
