/**
 * GFLOP/s of the WebAssembly backend's matrix products, beside tfjs-backend-wasm's own: its plain product (XNNPACK), and what
 * can be made of that by transposing first and going through a batch matrix by matrix.
 *
 *   pnpm --filter @minigpt/benchmarks wasm-mat-mul [--rounds 30]
 *
 * Rounds take turns in one run, on one thread. Ratios are of medians.
 */
import { start } from '@minigpt/backends/wasm';
import { engine, matMul, randomNormal, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { positiveInteger, readFlags } from '../flags.ts';
import { registerExplicitTransposes } from './explicit-transposes.ts';

const { values: flags } = readFlags(import.meta.url, {
  options: { rounds: { type: 'string', default: '30' } },
});
const rounds = positiveInteger('rounds', flags.rounds);

const { description } = await start({ threads: 1 });
registerExplicitTransposes('Benchmark.MatMul');

interface Shape {
  readonly name: string;
  readonly batch: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

const shapes: readonly Shape[] = [
  { name: 'square', batch: 1, m: 512, k: 512, n: 512 },
  { name: 'MLP of nano', batch: 1, m: 768, k: 128, n: 512 },
  { name: 'MLP of small', batch: 1, m: 2048, k: 384, n: 1536 },
  { name: 'scores of nano', batch: 48, m: 64, k: 32, n: 64 },
];

console.log(`${description}\n`);
console.log('| product | | XNNPACK, plain | explicit transposes | ours | ours / plain | ours / explicit |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const shape of shapes) {
  for (const [transposeA, transposeB] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ]) {
    compare(shape, transposeA, transposeB);
  }
}

function compare({ name, batch, m, k, n }: Shape, transposeA: boolean, transposeB: boolean): void {
  const outer = batch === 1 ? [] : [batch];
  const a = randomNormal([...outer, ...(transposeA ? [k, m] : [m, k])]);
  const b = randomNormal([...outer, ...(transposeB ? [n, k] : [k, n])]);
  const [plainA, plainB] = [randomNormal([m, k]), randomNormal([k, n])];
  const kernel = (kernelName: string) => () => {
    engine().runKernel<Tensor>(kernelName, { a, b }, { transposeA, transposeB });
  };
  const ways = [
    () => {
      for (let i = 0; i < batch; i++) matMul(plainA, plainB);
    },
    kernel('Benchmark.MatMul'),
    kernel('MiniGPT.MatMul'),
  ];
  const [plain, explicit, ours] = medianSeconds(ways, rounds).map(
    (seconds) => (2e-9 * batch * m * k * n) / seconds,
  );
  const sides = `${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'}`;
  const numbers = [plain, explicit, ours].map((speed) => speed.toFixed(1));
  const ratios = [ours / plain, ours / explicit].map((ratio) => ratio.toFixed(2));
  const size = `${batch === 1 ? '' : `${batch} × `}${m} × ${k} × ${n}`;
  console.log(`| ${name}, ${size} | ${sides} | ${[...numbers, ...ratios].join(' | ')} |`);
  for (const tensor of [a, b, plainA, plainB]) tensor.dispose();
}

/** Each way takes its turn once a round, after three rounds that do not count. */
function medianSeconds(ways: readonly (() => void)[], rounds: number): number[] {
  const seconds: number[][] = ways.map(() => []);
  for (let round = -3; round < rounds; round++) {
    for (const [i, way] of ways.entries()) {
      const began = performance.now();
      tidy(way);
      if (round >= 0) seconds[i].push((performance.now() - began) / 1000);
    }
  }
  return seconds.map((times) => times.toSorted((x, y) => x - y)[Math.floor(rounds / 2)]);
}
