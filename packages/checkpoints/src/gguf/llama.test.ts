import { StateDictError } from '@minigpt/core';
import { createTokenizer, TokenizerError } from '@minigpt/tokenizers';
import { describe, expect, it } from 'vitest';
import { pairsToHalves } from '../hugging-face/rotary-order.ts';
import { readSafetensors } from '../safetensors/read.ts';
import { bytesSource } from '../source/bytes-source.ts';
import { readStateDict } from '../source/memory.ts';
import { hasShared, NEEDS_SHARED, sharedFile, sharedJson } from '../testing/shared.ts';
import { GgufError } from './errors.ts';
import { llamaFromGguf } from './llama.ts';
import { openGguf } from './open.ts';
import { buildGguf, floatTensor, strings, type TensorSpec, type TypedValue } from './testing/build-gguf.ts';

const u32 = (value: number): TypedValue => ({ type: 'u32', value });
const f32 = (value: number): TypedValue => ({ type: 'f32', value });
const text = (value: string): TypedValue => ({ type: 'string', value });

const WIDTH = 8;
const HEADS = 2;
const HIDDEN = 6;
const TOKENS = ['<unk>', '<s>', '</s>', '▁a', 'a', '▁', '<end>'];

const METADATA: Record<string, TypedValue> = {
  'general.architecture': text('llama'),
  'llama.block_count': u32(1),
  'llama.context_length': u32(64),
  'llama.embedding_length': u32(WIDTH),
  'llama.feed_forward_length': u32(HIDDEN),
  'llama.attention.head_count': u32(HEADS),
  'llama.attention.head_count_kv': u32(1),
  'llama.attention.layer_norm_rms_epsilon': f32(1e-5),
  'llama.rope.freq_base': f32(500_000),
  'tokenizer.ggml.model': text('llama'),
  'tokenizer.ggml.tokens': strings(TOKENS),
  'tokenizer.ggml.scores': { type: 'array', of: 'f32', value: TOKENS.map((_, id) => f32(-id)) },
  'tokenizer.ggml.token_type': {
    type: 'array',
    of: 'i32',
    value: [2, 3, 3, 1, 1, 1, 3].map((value) => ({ type: 'i32', value })),
  },
  'tokenizer.ggml.bos_token_id': u32(1),
  'tokenizer.ggml.eos_token_id': u32(2),
  'tokenizer.ggml.eot_token_id': u32(6),
  'tokenizer.ggml.unknown_token_id': u32(0),
  'tokenizer.chat_template': text('{{ bos_token }}{{ messages[0].content }}'),
};

const SHAPES: Record<string, number[]> = {
  'token_embd.weight': [TOKENS.length, WIDTH],
  'blk.0.attn_norm.weight': [WIDTH],
  'blk.0.attn_q.weight': [WIDTH, WIDTH],
  'blk.0.attn_k.weight': [WIDTH / HEADS, WIDTH],
  'blk.0.attn_v.weight': [WIDTH / HEADS, WIDTH],
  'blk.0.attn_output.weight': [WIDTH, WIDTH],
  'blk.0.ffn_norm.weight': [WIDTH],
  'blk.0.ffn_gate.weight': [HIDDEN, WIDTH],
  'blk.0.ffn_up.weight': [HIDDEN, WIDTH],
  'blk.0.ffn_down.weight': [WIDTH, HIDDEN],
  'output_norm.weight': [WIDTH],
};

/** A tensor whose every element tells its place. */
function counted(name: string, shape: readonly number[]): TensorSpec {
  const count = shape.reduce((product, size) => product * size, 1);
  return floatTensor(
    name,
    shape,
    Float32Array.from({ length: count }, (_, i) => i),
  );
}

function llama(
  metadata: Record<string, TypedValue | undefined> = {},
  shapes: Record<string, number[] | undefined> = {},
  more: TensorSpec[] = [],
) {
  const entries = Object.entries({ ...METADATA, ...metadata });
  const tensors = Object.entries({ ...SHAPES, ...shapes });
  const bytes = buildGguf({
    metadata: entries.filter((entry): entry is [string, TypedValue] => entry[1] !== undefined),
    tensors: [
      ...tensors.flatMap(([name, shape]) => (shape === undefined ? [] : [counted(name, shape)])),
      ...more,
    ],
  });
  return openGguf(bytesSource(bytes)).then(llamaFromGguf);
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('llamaFromGguf', () => {
  it('gives the config, the tokenizer and the chat template of a Hugging Face folder', async () => {
    const { config, generationConfig, tokenizer, tokenizerConfig, chatTemplate } = await llama();
    expect(config).toEqual({
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_act: 'silu',
      hidden_size: 8,
      intermediate_size: 6,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      head_dim: 4,
      vocab_size: 7,
      max_position_embeddings: 64,
      rms_norm_eps: 1e-5,
      rope_theta: 500_000,
      rope_scaling: null,
      attention_bias: false,
      mlp_bias: false,
      tie_word_embeddings: true,
      torch_dtype: 'float32',
      bos_token_id: 1,
      eos_token_id: 2,
    });
    expect(generationConfig).toEqual({ bos_token_id: 1, eos_token_id: [2, 6] });
    expect(tokenizerConfig).toMatchObject({ bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' });
    expect(chatTemplate).toBe('{{ bos_token }}{{ messages[0].content }}');
    expect([...createTokenizer(tokenizer!).encode('a')]).toContain(3);
  });

  it('puts the rows of queries and keys back, of each head by itself', async () => {
    const { weights } = await llama();
    const rows = async (name: string) => {
      const { data } = await weights.read(`model.layers.0.self_attn.${name}.weight`);
      return Array.from({ length: data.length / WIDTH }, (_, row) => data[row * WIDTH] / WIDTH);
    };
    expect(await rows('q_proj')).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    expect(await rows('k_proj')).toEqual([0, 2, 1, 3]);
    expect(await rows('v_proj')).toEqual([0, 1, 2, 3]);
  });

  it('knows an output of its own, biases, and heads of another size', async () => {
    const { config, weights } = await llama(
      { 'llama.attention.key_length': u32(6), 'llama.attention.value_length': u32(6) },
      {
        'output.weight': [7, 8],
        'blk.0.attn_q.weight': [12, 8],
        'blk.0.attn_k.weight': [6, 8],
        'blk.0.attn_v.weight': [6, 8],
        'blk.0.attn_output.weight': [8, 12],
        'blk.0.attn_q.bias': [12],
        'blk.0.attn_k.bias': [6],
        'blk.0.attn_v.bias': [6],
        'blk.0.attn_output.bias': [8],
        'blk.0.ffn_gate.bias': [6],
        'blk.0.ffn_up.bias': [6],
        'blk.0.ffn_down.bias': [8],
      },
    );
    expect(config).toMatchObject({
      head_dim: 6,
      tie_word_embeddings: false,
      attention_bias: true,
      mlp_bias: true,
    });
    expect(weights.tensors.get('lm_head.weight')?.shape).toEqual([7, 8]);
    const bias = await weights.read('model.layers.0.self_attn.k_proj.bias');
    expect([...bias.data]).toEqual([0, 2, 4, 1, 3, 5]);
    await expect(weights.read('lm_head.bias')).rejects.toThrow('has none "lm_head.bias"');
  });

  it.each<[string, Record<string, TypedValue>, unknown]>([
    ['none', { 'llama.rope.scaling.type': text('none') }, null],
    [
      'linear',
      { 'llama.rope.scaling.type': text('linear'), 'llama.rope.scaling.factor': f32(4) },
      { rope_type: 'linear', factor: 4 },
    ],
    [
      'linear, as it was written at first',
      { 'llama.rope.scale_linear': f32(2) },
      { rope_type: 'linear', factor: 2 },
    ],
    [
      'yarn',
      {
        'llama.rope.scaling.type': text('yarn'),
        'llama.rope.scaling.factor': f32(16),
        'llama.rope.scaling.original_context_length': u32(4096),
      },
      { rope_type: 'yarn', factor: 16, original_max_position_embeddings: 4096 },
    ],
  ])('rotary scaling: %s', async (_, metadata, expected) => {
    expect((await llama(metadata)).config.rope_scaling).toEqual(expected);
  });

  it('rotary scaling: Llama 3, from its divisors', async () => {
    // Llama 3.2 by transformers' formula, with heads of 64 and a theta of 500,000: inverse frequencies before / after.
    const size = { 'llama.attention.key_length': u32(64), 'llama.attention.value_length': u32(64) };
    const shapes = {
      'blk.0.attn_q.weight': [128, 8],
      'blk.0.attn_k.weight': [64, 8],
      'blk.0.attn_v.weight': [64, 8],
      'blk.0.attn_output.weight': [8, 128],
    };
    const divisors = Float32Array.from({ length: 32 }, (_, i) => {
      const wavelength = 2 * Math.PI * 500_000 ** (i / 32);
      if (wavelength < 8192 / 4) return 1;
      if (wavelength > 8192) return 32;
      const smooth = (8192 / wavelength - 1) / 3;
      return 1 / ((1 - smooth) / 32 + smooth);
    });
    const scaled = await llama(size, shapes, [floatTensor('rope_freqs.weight', [32], divisors)]);
    expect(scaled.config.rope_scaling).toEqual({
      rope_type: 'llama3',
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    });
    expect([...scaled.weights.tensors.keys()].some((name) => name.includes('rope'))).toBe(false);
    divisors[20] *= 1.01;
    const error = await refusal(llama(size, shapes, [floatTensor('rope_freqs.weight', [32], divisors)]));
    expect(error).toMatchObject({ rule: 'values', tensor: 'rope_freqs.weight' });
  });

  it.each<[string, Record<string, TypedValue | undefined>, string]>([
    ['another architecture', { 'general.architecture': text('gemma') }, 'general.architecture'],
    ['a size that is missing', { 'llama.embedding_length': undefined }, 'llama.embedding_length'],
    [
      'an epsilon that is missing',
      { 'llama.attention.layer_norm_rms_epsilon': undefined },
      'llama.attention.layer_norm_rms_epsilon',
    ],
    ['a size that is no number', { 'llama.feed_forward_length': text('6') }, 'llama.feed_forward_length'],
    ['more layers than tensors', { 'llama.block_count': u32(2 ** 32 - 1) }, 'llama.block_count'],
    [
      'layers of unlike sizes',
      { 'llama.feed_forward_length': { type: 'array', of: 'u32', value: [u32(6), u32(7)] } },
      'llama.feed_forward_length',
    ],
    ['experts', { 'llama.expert_count': u32(8) }, 'llama.expert_count'],
    ['heads that rotate in part', { 'llama.rope.dimension_count': u32(2) }, 'llama.rope.dimension_count'],
    ['an unknown scaling', { 'llama.rope.scaling.type': text('longrope') }, 'llama.rope.scaling.type'],
  ])('refuses %s, by key', async (_, metadata, key) => {
    const error = await refusal(llama(metadata));
    expect(error).toBeInstanceOf(GgufError);
    expect(error).toMatchObject({ key });
  });

  it('lists every tensor that is missing, unexpected or misshapen', async () => {
    const error = await refusal(
      llama(
        {},
        {
          'blk.0.attn_q.weight': undefined,
          'output_norm.weight': undefined,
          'blk.0.attn_q_norm.weight': [4],
          'blk.0.ffn_up.weight': [6, 6],
        },
      ),
    );
    expect(error).toBeInstanceOf(StateDictError);
    expect(error).toMatchObject({
      missing: ['blk.0.attn_q.weight', 'output_norm.weight'],
      unexpected: ['blk.0.attn_q_norm.weight'],
      mismatched: [{ name: 'blk.0.ffn_up.weight', expected: [6, 8], actual: [6, 6] }],
    });
  });

  it('reads a file without a vocabulary, and refuses a broken one', async () => {
    expect((await llama({ 'tokenizer.ggml.model': undefined })).tokenizer).toBeUndefined();
    expect(await refusal(llama({ 'tokenizer.ggml.scores': undefined }))).toBeInstanceOf(TokenizerError);
  });
});

describe.skipIf(!hasShared)(`golden Llama files ${NEEDS_SHARED}`, () => {
  const original = () => readSafetensors(sharedFile('golden/models/llama/model.safetensors')).tensors;
  const open = (type: string) =>
    openGguf(bytesSource(sharedFile(`golden/gguf/llama-${type}.gguf`))).then(llamaFromGguf);

  it('float32: the tensors and the config that the file was made of, exactly', async () => {
    const { weights, config } = await open('f32');
    const state = await readStateDict(weights);
    expect([...state.keys()].sort()).toEqual([...original().keys()].sort());
    for (const [name, tensor] of original()) expect(state.get(name), name).toEqual(tensor);
    const published = sharedJson<Record<string, unknown>>('golden/models/llama/config.v4.json');
    for (const [key, value] of Object.entries(config)) expect(published[key], key).toEqual(value);
  });

  it.each([
    ['f16', 2 ** -11],
    ['bf16', 2 ** -8],
    ['q8_0', 1 / 127],
  ])('%s: within its rounding', async (type, relative) => {
    const { weights } = await open(type);
    for (const [name, { data }] of original()) {
      const largest = Math.max(...data.map(Math.abs));
      for (const [i, value] of (await weights.read(name)).data.entries()) {
        if (Math.abs(value - data[i]) > relative * largest)
          expect.fail(`${name}[${i}]: ${value} for ${data[i]}`);
      }
    }
  });
});

it('pairsToHalves keeps a vector of heads of two as it is', () => {
  const tensor = { dtype: 'float32', shape: [4], data: Float32Array.of(1, 2, 3, 4) } as const;
  expect(pairsToHalves(tensor, 2)).toEqual(tensor);
});
