import { saveCheckpoint } from '@minigpt/checkpoints/node';
import { dispose, parameters, type Rng, stateDict } from '@minigpt/core';
import { batches, splitTokens, tokenize, windows } from '@minigpt/data';
import { modelFromConfig } from '@minigpt/models';
import { createTokenizer, trainBpe } from '@minigpt/tokenizers';
import { adamW, evaluate, train, warmupCosine } from '@minigpt/training';

/** The shape of stories260K, the smallest of the Llamas that tell stories (llama2.c). */
export const SMALL_CONFIG = {
  model_type: 'llama',
  vocab_size: 512,
  hidden_size: 64,
  intermediate_size: 172,
  num_hidden_layers: 5,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
};

export interface SmallModelOptions {
  /** The folder of the checkpoint. */
  readonly folder: string;
  readonly steps: number;
  readonly rng: Rng;
  readonly onStep: (step: number, loss: number) => void;
}

/**
 * Trains a Llama of 260,032 parameters on a text, with a byte-pair encoding of 512 tokens of its own, and saves it.
 *
 * @returns its loss on the last tenth of the text, in nats per token
 */
export async function trainSmallModel(
  text: string,
  { folder, steps, rng, onStep }: SmallModelOptions,
): Promise<number> {
  const tokenizer = createTokenizer(await trainBpe(text.slice(0, 200_000), { vocabSize: 512 }));
  const tokens = splitTokens(tokenize(tokenizer, text));
  const model = modelFromConfig(SMALL_CONFIG, { rng: rng.fold('init') });
  const optimizer = adamW({ parameters: parameters(model) });
  for await (const event of train({
    model,
    optimizer,
    batch: batches({ tokens: tokens.train, blockSize: 64, batchSize: 8, rng: rng.fold('batches') }),
    schedule: warmupCosine({ learningRate: 2e-3, warmupIters: steps / 20, lrDecayIters: steps, minLr: 2e-4 }),
    maxIters: steps,
  })) {
    if (event.type === 'step') onStep(event.step, event.loss);
  }
  optimizer.dispose();
  const seen = tokens.validation.subarray(0, 64 * 64 + 1);
  const { loss } = await evaluate({
    model,
    batches: windows({ tokens: seen, blockSize: 64, batchSize: 16 }),
  });
  await saveCheckpoint(folder, {
    config: model.toConfig(),
    weights: await stateDict(model),
    tokenizer: tokenizer.toJSON(),
  });
  dispose(model);
  return loss;
}
