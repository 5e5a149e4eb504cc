import { loadTokenizer } from '@minigpt/tokenizers';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import { pairsToHalves } from '../hugging-face/rotary-order.ts';
import type { JsonObject } from '../json.ts';
import { checkTensors } from '../source/check-tensors.ts';
import { type LazyStateDict, TensorNotFoundError } from '../source/lazy-state-dict.ts';
import { GgufError } from './errors.ts';
import { MetadataReader } from './metadata-reader.ts';
import type { Gguf } from './open.ts';
import { llama3Scaling, ROPE_FACTORS, ropeScaling } from './rope-scaling.ts';

/**
 * A GGUF file of the architecture `llama` (Llama, Mistral without its window, SmolLM2, TinyLlama, …) as the Hugging Face folder
 * that it was made of: `model_type` llama, Hugging Face's names, the rows of query and key projections put back from
 * llama.cpp's order into Hugging Face's, tokenizer and chat template. Weights are read when they are asked for.
 *
 * @throws GgufError for another architecture, and for metadata that are missing or ask for what Llama has not
 * @throws StateDictError with every tensor that is missing, unexpected or misshapen, by llama.cpp's names
 * @throws TokenizerError where the vocabulary cannot be used
 */
export async function llamaFromGguf(gguf: Gguf): Promise<Pretrained> {
  const metadata = new MetadataReader(gguf.metadata);
  const architecture = metadata.string('general.architecture');
  if (architecture !== 'llama') {
    throw new GgufError('architecture', `it must be "llama", but it is ${JSON.stringify(architecture)}.`, {
      key: 'general.architecture',
    });
  }
  for (const key of NOT_LLAMA) {
    if (metadata.value(key)) metadata.refuse(key, 'absent: models that need it are not read');
  }
  const sizes = readSizes(gguf, metadata);
  const tensors = llamaTensors(sizes);
  const weights = new Map(gguf.tensors);
  weights.delete(ROPE_FACTORS);
  checkTensors(weights, new Map(tensors.map(({ stored, shape }) => [stored, shape])));
  const tokens = specialTokens(metadata);
  return {
    config: {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_act: 'silu',
      hidden_size: sizes.width,
      intermediate_size: sizes.hidden,
      num_hidden_layers: sizes.layers,
      num_attention_heads: sizes.heads,
      num_key_value_heads: sizes.kvHeads,
      head_dim: sizes.headSize,
      vocab_size: sizes.vocabulary,
      max_position_embeddings: metadata.requiredSize('llama.context_length'),
      rms_norm_eps:
        metadata.decimal('llama.attention.layer_norm_rms_epsilon') ??
        metadata.refuse('llama.attention.layer_norm_rms_epsilon', 'given'),
      ...(await rope(gguf, metadata)),
      attention_bias: sizes.attentionBias,
      mlp_bias: sizes.mlpBias,
      tie_word_embeddings: sizes.tied,
      torch_dtype: 'float32',
      ...tokens.ids,
    },
    generationConfig: { ...tokens.ids, ...(tokens.ends.length > 0 && { eos_token_id: tokens.ends }) },
    weights: renamed(gguf, tensors),
    ...(tokens.model !== undefined && {
      tokenizer: loadTokenizer(gguf.metadata).toJSON(),
      tokenizerConfig: { tokenizer_class: 'PreTrainedTokenizerFast', ...tokens.texts },
    }),
    chatTemplate: metadata.string('tokenizer.chat_template'),
  };
}

/** What other models under the name of this architecture have: experts, windows, Granite's scales. */
const NOT_LLAMA = [
  'expert_count',
  'attention.sliding_window',
  'attention.scale',
  'attention.clamp_kqv',
  'attention.max_alibi_bias',
  'embedding_scale',
  'logit_scale',
  'residual_scale',
].map((name) => `llama.${name}`);

interface Sizes {
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  readonly tied: boolean;
}

function readSizes(gguf: Gguf, metadata: MetadataReader): Sizes {
  const width = metadata.requiredSize('llama.embedding_length');
  const heads = metadata.requiredSize('llama.attention.head_count');
  const headSize = metadata.size('llama.attention.key_length') ?? width / heads;
  const rotated = metadata.size('llama.rope.dimension_count') ?? headSize;
  const layers = metadata.requiredSize('llama.block_count');
  if (layers > gguf.tensors.size)
    metadata.refuse('llama.block_count', `at most its ${gguf.tensors.size} tensors`);
  if (headSize % 2 !== 0) {
    metadata.refuse('llama.attention.head_count', `such that the head size is even, which is ${headSize}`);
  }
  if (rotated !== headSize) metadata.refuse('llama.rope.dimension_count', `the size of a head, ${headSize}`);
  const valueSize = metadata.size('llama.attention.value_length') ?? headSize;
  if (valueSize !== headSize)
    metadata.refuse('llama.attention.value_length', `the size of a key, ${headSize}`);
  return {
    width,
    heads,
    headSize,
    kvHeads: metadata.size('llama.attention.head_count_kv') ?? heads,
    hidden: metadata.requiredSize('llama.feed_forward_length'),
    layers,
    vocabulary: gguf.tensors.get('token_embd.weight')?.shape[0] ?? metadata.requiredSize('llama.vocab_size'),
    attentionBias: gguf.tensors.has('blk.0.attn_q.bias'),
    mlpBias: gguf.tensors.has('blk.0.ffn_up.bias'),
    tied: !gguf.tensors.has('output.weight'),
  };
}

async function rope(gguf: Gguf, metadata: MetadataReader): Promise<JsonObject> {
  const theta = metadata.decimal('llama.rope.freq_base') ?? 10_000;
  const scaling = gguf.tensors.has(ROPE_FACTORS)
    ? llama3Scaling((await gguf.read(ROPE_FACTORS)).data, theta)
    : ropeScaling(metadata);
  return { rope_theta: theta, rope_scaling: scaling ?? null };
}

interface LlamaTensor {
  /** llama.cpp's name. */
  readonly stored: string;
  /** Hugging Face's name. */
  readonly name: string;
  readonly shape: readonly number[];
  /** The heads whose rows are in llama.cpp's order. */
  readonly rotaryHeads?: number;
}

function llamaTensors(sizes: Sizes): LlamaTensor[] {
  const { width, hidden, layers, heads, kvHeads, headSize, vocabulary, attentionBias, mlpBias, tied } = sizes;
  const tensors: LlamaTensor[] = [
    { stored: 'token_embd.weight', name: 'model.embed_tokens.weight', shape: [vocabulary, width] },
  ];
  for (let layer = 0; layer < layers; layer++) {
    const add = (stored: string, name: string, shape: readonly number[], rotaryHeads?: number) =>
      tensors.push({
        stored: `blk.${layer}.${stored}`,
        name: `model.layers.${layer}.${name}`,
        shape,
        rotaryHeads,
      });
    const linear = (
      stored: string,
      name: string,
      [outputs, inputs]: readonly [number, number],
      bias: boolean,
      rotaryHeads?: number,
    ) => {
      add(`${stored}.weight`, `${name}.weight`, [outputs, inputs], rotaryHeads);
      if (bias) add(`${stored}.bias`, `${name}.bias`, [outputs], rotaryHeads);
    };
    add('attn_norm.weight', 'input_layernorm.weight', [width]);
    linear('attn_q', 'self_attn.q_proj', [heads * headSize, width], attentionBias, heads);
    linear('attn_k', 'self_attn.k_proj', [kvHeads * headSize, width], attentionBias, kvHeads);
    linear('attn_v', 'self_attn.v_proj', [kvHeads * headSize, width], attentionBias);
    linear('attn_output', 'self_attn.o_proj', [width, heads * headSize], attentionBias);
    add('ffn_norm.weight', 'post_attention_layernorm.weight', [width]);
    linear('ffn_gate', 'mlp.gate_proj', [hidden, width], mlpBias);
    linear('ffn_up', 'mlp.up_proj', [hidden, width], mlpBias);
    linear('ffn_down', 'mlp.down_proj', [width, hidden], mlpBias);
  }
  tensors.push({ stored: 'output_norm.weight', name: 'model.norm.weight', shape: [width] });
  if (!tied) tensors.push({ stored: 'output.weight', name: 'lm_head.weight', shape: [vocabulary, width] });
  return tensors;
}

function renamed(gguf: Gguf, tensors: readonly LlamaTensor[]): LazyStateDict {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return {
    tensors: new Map(tensors.map(({ name, stored }) => [name, gguf.tensors.get(stored)!])),
    async read(name) {
      const tensor = byName.get(name);
      if (tensor === undefined) throw new TensorNotFoundError(name, 'the GGUF file');
      const read = await gguf.read(tensor.stored);
      return tensor.rotaryHeads === undefined ? read : pairsToHalves(read, tensor.rotaryHeads);
    },
    close: () => gguf.close(),
  };
}

/** Roles by their names in GGUF and in Hugging Face's files. */
const ROLES = [
  ['bos', 'bos'],
  ['eos', 'eos'],
  ['unknown', 'unk'],
  ['padding', 'pad'],
] as const;

function specialTokens(metadata: MetadataReader) {
  const idOf = (role: string) => metadata.number(`tokenizer.ggml.${role}_token_id`);
  const tokens = metadata.value('tokenizer.ggml.tokens');
  const ids: Record<string, number> = {};
  const texts: Record<string, string> = {};
  for (const [stored, role] of ROLES) {
    const id = idOf(stored);
    if (id === undefined) continue;
    if (role !== 'unk') ids[`${role}_token_id`] = id;
    const text: unknown = Array.isArray(tokens) ? tokens[id] : undefined;
    if (typeof text === 'string') texts[`${role}_token`] = text;
  }
  // A turn or message may end otherwise than a text does; llama.cpp stops at any of the three.
  const ends = new Set([idOf('eos'), idOf('eot'), idOf('eom')].filter((id) => id !== undefined));
  return { model: metadata.string('tokenizer.ggml.model'), ids, texts, ends: [...ends] };
}
