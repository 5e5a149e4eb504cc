/**
 * How many tokens a second each backend trains: nanoGPT's CPU recipe (4 layers, 4 heads, width 128, context 64, batch 12,
 * vocabulary 65), whole steps with clipping and AdamW, and PyTorch beside them.
 *
 *   pnpm --filter @minigpt/benchmarks train-speed [--rounds 3] [--steps 10] [--python PYTHON_WITH_TORCH] [--threads 2]
 *   [--backends node,wasm,cpu]
 *
 * Backends take turns in one run; each figure is the median of the rounds. One process a round, so that none warms another.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BackendName, backendNames, selectBackend } from '@minigpt/backends';
import { parameters, Rng } from '@minigpt/core';
import { batches } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { adamW, constant, train } from '@minigpt/training';

const { values: flags } = parseArgs({
  options: {
    backend: { type: 'string' }, // of one round, in a process of its own
    backends: { type: 'string', default: backendNames.join() },
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '10' },
    python: { type: 'string' },
    threads: { type: 'string', default: '2' },
  },
});
const steps = Number(flags.steps);
const WARM_UP = 3;

if (flags.backend === undefined) compare();
else console.log(await tokensPerSecond(flags.backend as BackendName));

async function tokensPerSecond(name: BackendName): Promise<number> {
  await selectBackend(name);
  const rng = new Rng(1);
  const shape = { vocabSize: 65, blockSize: 64, nLayer: 4, nHead: 4, nEmbd: 128, bias: false };
  const model = new GPT({ ...shape, rng });
  const tokens = Uint16Array.from(rng.fold('text').integers(10_000, 65));
  const speeds: number[] = [];
  for await (const event of train({
    model,
    optimizer: adamW({ parameters: parameters(model) }),
    batch: batches({ tokens, blockSize: 64, batchSize: 12, rng }),
    schedule: constant(1e-3),
    maxIters: WARM_UP + steps,
  })) {
    if (event.type === 'step' && event.step > WARM_UP) speeds.push(event.tokensPerSecond);
  }
  return median(speeds);
}

function compare(): void {
  const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  const tsx = ['--import', 'tsx', fileURLToPath(import.meta.url), '--steps', flags.steps];
  const env = {
    ...process.env,
    TSX_TSCONFIG_PATH: here('../tsconfig.json'),
    TF_NUM_INTRAOP_THREADS: flags.threads,
  };
  const runs = new Map<string, readonly [command: string, args: readonly string[]]>();
  for (const name of flags.backends.split(','))
    runs.set(name, [process.execPath, [...tsx, '--backend', name]]);
  if (flags.python !== undefined) {
    runs.set('PyTorch', [
      flags.python,
      [here('train-speed.py'), '--threads', flags.threads, '--steps', flags.steps],
    ]);
  }
  const measured = new Map<string, number[]>();
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const [name, [command, args]] of runs) {
      const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', env });
      const speed = Number(stdout.trim().split('\n').at(-1));
      if (status !== 0 || !Number.isFinite(speed)) {
        console.error(`${name} does not run: ${stderr.trim().split('\n').at(-1)}`);
        runs.delete(name);
        continue;
      }
      measured.set(name, [...(measured.get(name) ?? []), speed]);
    }
  }
  const wasm = median(measured.get('wasm') ?? [Number.NaN]);
  console.log('| | tokens a second | times wasm |\n| --- | --- | --- |');
  for (const [name, speeds] of measured) {
    console.log(`| ${name} | ${Math.round(median(speeds))} | ${(median(speeds) / wasm).toFixed(2)} |`);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
