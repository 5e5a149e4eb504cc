/**
 * Does a storm of signals change what TensorFlow computes, or end it?
 *
 *   npx tsx --tsconfig tsconfig.json benchmarks/signal-soak.ts [--seconds 60] [--compile off|graph|xla]
 *
 * Protocol: a process trains nanoGPT's CPU recipe (see tinyshakespeare.ts) on the node backend for so long, undisturbed, operation by
 * operation or as one graph.
 * A second one, which handles SIGWINCH and SIGCHLD as a terminal program does, takes the same steps while each of the two
 * is sent to it up to 1,000 times a second. Passes if both end by themselves with the same losses, bit for bit.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { selectBackend } from '@minigpt/backends';
import { compile } from '@minigpt/backends/node';
import { parameters, Rng } from '@minigpt/core';
import { batches } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { adamW, constant, type TrainOptions, train } from '@minigpt/training';
import { oneOf, positiveInteger, readFlags } from './flags.ts';

const { values: flags } = readFlags(import.meta.url, {
  options: {
    seconds: { type: 'string', default: '60' },
    compile: { type: 'string', default: 'off' },
    steps: { type: 'string' },
  },
});
const compiled: Readonly<Record<string, TrainOptions['compile']>> = {
  off: false,
  graph: true,
  xla: (step, options) => compile(step, { ...options, xla: true }),
};
const seconds = positiveInteger('seconds', flags.seconds);
const mode = oneOf('compile', flags.compile, Object.keys(compiled));
const storm = ['SIGWINCH', 'SIGCHLD'] as const;

if (flags.steps === undefined) await soak(seconds);
else await trainAndReport(Number(flags.steps), seconds);

async function soak(seconds: number): Promise<void> {
  const calm = await runTraining(['--steps', '1000000', '--seconds', String(seconds)], false);
  const stormy = await runTraining(
    ['--steps', String(calm.losses.length), '--seconds', String(10 * seconds)],
    true,
  );
  const differs = calm.losses.findIndex((loss, index) => loss !== stormy.losses[index]);
  const passed = stormy.ending === 0 && calm.ending === 0 && calm.losses.length > 0 && differs === -1;
  const { sent, ending } = stormy;
  const figures = { passed, steps: calm.losses.length, sent, handled: stormy.handled, ending, differs };
  console.log(JSON.stringify(figures));
  process.exitCode = passed ? 0 : 1;
}

interface Run {
  /** Exit code, or the signal that ended it. */
  readonly ending: number | string;
  readonly losses: readonly number[];
  /** Signals sent to it, and calls of its handlers: signals that wait are merged into one. */
  readonly sent: number;
  readonly handled: number;
}

async function runTraining(args: readonly string[], stormy: boolean): Promise<Run> {
  const own = [fileURLToPath(import.meta.url), '--compile', mode];
  const child = spawn(process.execPath, [...process.execArgv, ...own, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let sent = 0;
  const sending = setInterval(() => {
    if (!stormy || output === '') return;
    for (const signal of storm) if (child.kill(signal)) sent++;
  }, 1);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearInterval(sending);
  const lines = output.trim().split('\n').slice(1);
  const handled = Number(lines.find((line) => line.startsWith('handled '))?.slice('handled '.length) ?? 0);
  const losses = lines.filter((line) => !line.startsWith('handled ')).map(Number);
  return { ending: signal ?? code!, losses, sent, handled };
}

async function trainAndReport(steps: number, seconds: number): Promise<void> {
  let handled = 0;
  for (const signal of storm) process.on(signal, () => handled++);
  await selectBackend('node');
  const rng = new Rng(1);
  const shape = { vocabSize: 65, blockSize: 64, nLayer: 4, nHead: 4, nEmbd: 128, bias: false };
  const model = new GPT({ ...shape, rng: rng.fold('init') });
  const tokens = Uint16Array.from({ length: 10_000 }, (_, i) => (i * i) % shape.vocabSize);
  console.log('ready');
  let begin: number | undefined; // when the first step has been taken: compiling takes its time
  for await (const event of train({
    model,
    optimizer: adamW({ parameters: parameters(model), betas: [0.9, 0.99], weightDecay: 0.1 }),
    batch: batches({ tokens, blockSize: shape.blockSize, batchSize: 12, rng: rng.fold('batches') }),
    schedule: constant(1e-3),
    maxIters: steps,
    compile: compiled[mode],
  })) {
    if (event.type === 'step') console.log(event.loss);
    begin ??= performance.now();
    if (performance.now() - begin > 1000 * seconds) break;
  }
  console.log(`handled ${handled}`);
}
