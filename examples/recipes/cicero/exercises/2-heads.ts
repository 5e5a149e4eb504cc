/**
 * Exercise 2: which heads does the model need?
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/cicero/exercises/2-heads.ts [FILE] [STEPS]
 *
 * Each head is silenced in turn: what it gathered (`z`, `[B, H, T, D]`) is set to 0 on its way to the projection. Few heads
 * matter alone. Letters to Atticus after 1,500 steps: without head 3 of block 0 the loss of the batch is 1.948, without head 1
 * beside it 1.922, and without any one of the others from 1.853 to 1.900.
 */
import { selectBackend } from '@minigpt/backends';
import { patch, zeroHeads } from '@minigpt/inspect';
import { LetterModel } from '../letter-model.ts';
import { corpus, shape, trainedLoss } from './common.ts';

await selectBackend();
const data = await corpus(process.argv[2]);
const model = new LetterModel({ ...shape, vocabSize: data.vocabSize });
console.log(
  `whole: ${(await trainedLoss(model, data, Number(process.argv[3] ?? 500))).toFixed(3)} on the held-out tenth`,
);

const [
  {
    inputs,
    targets,
    shape: [rows, blockSize],
  },
] = data.heldOut as Iterable<Batch> & [Batch];
interface Batch {
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
  readonly shape: readonly [number, number];
}
const texts = Array.from({ length: rows }, (_, row) =>
  inputs.subarray(row * blockSize, (row + 1) * blockSize),
);

for (let layer = 0; layer < shape.nLayer; layer++) {
  for (let head = 0; head < shape.nHead; head++) {
    const { data: logits } = await patch(model, texts, { [`blocks.${layer}.attn.z`]: zeroHeads(head) });
    console.log(
      `without head ${head} of block ${layer}: ${meanLoss(logits).toFixed(3)} on the first batch of it`,
    );
  }
}

/** Mean nats per character; logits `[B, T, V]`. */
function meanLoss(logits: ArrayLike<number>): number {
  const V = data.vocabSize;
  let nats = 0;
  for (const [i, target] of targets.entries()) {
    const row = Array.from({ length: V }, (_, id) => logits[i * V + id]!);
    const max = Math.max(...row);
    nats += max + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - max), 0)) - row[target]!;
  }
  return nats / targets.length;
}
