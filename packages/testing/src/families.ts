import { dispose, Rng } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { randomIds } from './random.ts';
import { type MeasuredTraining, measureTraining } from './training-run.ts';

const [rows, blockSize, vocabSize] = [2, 6, 11];

const sizes = {
  vocab_size: vocabSize,
  hidden_size: 8,
  intermediate_size: 10,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: blockSize,
  initializer_range: 0.4,
  attention_dropout: 0.1,
};
const sharedHeads = { ...sizes, num_key_value_heads: 1, head_dim: 4 };

/** Every family at a size that is trained in a moment, by `model_type`, as its `config.json` would say it. */
export const families: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  bigram: { vocab_size: vocabSize, block_size: blockSize },
  mlp: { vocab_size: vocabSize, block_size: 3, n_embd: 4, n_hidden: 8 },
  gpt2: {
    vocab_size: vocabSize,
    n_positions: blockSize,
    n_layer: 1,
    n_head: 2,
    n_embd: 8,
    initializer_range: 0.4,
  },
  gpt_neox: { ...sizes, hidden_dropout: 0.1, partial_rotary_factor: 0.5 },
  phi: { ...sizes, resid_pdrop: 0.1, embd_pdrop: 0.1 },
  phi3: { ...sharedHeads, sliding_window: 4 },
  llama: sharedHeads,
  mistral: { ...sharedHeads, sliding_window: 4 },
  mixtral: { ...sharedHeads, num_local_experts: 3, num_experts_per_tok: 2 },
  qwen2: sharedHeads,
  qwen3: sharedHeads,
  gemma: sharedHeads,
  gemma2: { ...sharedHeads, sliding_window: 4 },
  olmo2: sharedHeads,
  starcoder2: { ...sharedHeads, residual_dropout: 0.1, embedding_dropout: 0.1 },
};

/**
 * The logits and gradients of a small model of a family on the current backend, and the losses of a training run of it. Weights,
 * batch and dropout masks are the same everywhere.
 */
export async function measureFamily(family: string, steps: number): Promise<MeasuredTraining> {
  const rng = new Rng(12);
  const config = { model_type: family, ...families[family] };
  const model = modelFromConfig(config, { rng: rng.fold('model') });
  const { data } = randomIds([rows, blockSize + 1], vocabSize, rng.fold('ids'));
  const columns = (first: number) =>
    Int32Array.from({ length: rows * blockSize }, (_, i) => {
      const row = Math.floor(i / blockSize);
      return data[row * (blockSize + 1) + first + (i % blockSize)];
    });
  const batch = { inputs: columns(0), targets: columns(1), shape: [rows, blockSize] as const };
  const measured = await measureTraining(model, batch, steps);
  dispose(model);
  return measured;
}
