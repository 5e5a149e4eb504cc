/**
 * How many tokens a second each backend trains, whole steps with clipping and AdamW, and PyTorch beside them.
 *
 *   pnpm bench [--configs nano,small] [--runs 'node, graph;wasm'] [--rounds 3] [--steps 20] [--threads 2] [--python PYTHON_WITH_TORCH]
 *   [--dropout 0.2] [--out FILE_WITHOUT_EXTENSION]
 *
 * The runs take turns, each round in a process of its own, so that none warms another; a figure is the median of the rounds'
 * median steps. Beside the speed by the clock stands the processor time of a step, all threads together, of which the smallest
 * of all rounds is kept: it says more where others use the machine. Prints a table; --out keeps it, and all that was measured,
 * as .md and .json.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { selectBackend } from '@minigpt/backends';
import { type Compile, parameters, Rng } from '@minigpt/core';
import { batches } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { adamW, constant, type TrainOptions, train } from '@minigpt/training';
import { getKernelsForBackend, unregisterKernel } from '@tensorflow/tfjs-core';
import { oneOf, positiveInteger, rate, readFlags } from './flags.ts';
import { startExplicitTransposes } from './wasm/explicit-transposes.ts';

const VOCABULARY = 65;
const WARM_UP = 5;

/** nanoGPT's recipes for a CPU and for a GPU, the latter with a batch that fits here. */
const configs = {
  nano: { nLayer: 4, nHead: 4, nEmbd: 128, blockSize: 64, batchSize: 12 },
  small: { nLayer: 6, nHead: 6, nEmbd: 384, blockSize: 256, batchSize: 8 },
} as const;
type ConfigName = keyof typeof configs;

/** What computes the steps. */
const runs = {
  'node, graph': { backend: 'node', compile: async () => true as const },
  'node, graph, one thread an operation': {
    backend: 'node',
    compile: async () => true as const,
    env: { TF_NUM_INTRAOP_THREADS: '1' },
  },
  'node, XLA': { backend: 'node', compile: xla },
  'node, eager': { backend: 'node', compile: async () => false as const },
  'node, plain tfjs': { backend: 'node', compile: async () => false as const, plain: true },
  wasm: { backend: 'wasm', compile: async () => false as const },
  'wasm, compiled': { backend: 'wasm', compile: async () => true as const },
  'wasm, 1 thread': {
    backend: 'wasm',
    compile: async () => false as const,
    start: async () => (await import('@minigpt/backends/wasm')).start({ threads: 1 }),
  },
  'wasm, 1 thread, compiled': {
    backend: 'wasm',
    compile: async () => true as const,
    start: async () => (await import('@minigpt/backends/wasm')).start({ threads: 1 }),
  },
  'wasm, explicit transposes': {
    backend: 'wasm',
    compile: async () => false as const,
    start: startExplicitTransposes,
  },
  cpu: { backend: 'cpu', compile: async () => false as const },
} satisfies Record<string, Run>;

interface Run {
  readonly backend: 'node' | 'wasm' | 'cpu';
  readonly compile: () => Promise<TrainOptions['compile']>;
  /** Instead of `selectBackend`. */
  readonly start?: () => Promise<{ readonly version: string }>;
  /** Without kernels of ours: only what tfjs itself has. */
  readonly plain?: boolean;
  /** Before what --threads sets. */
  readonly env?: Readonly<Record<string, string>>;
}

async function xla(): Promise<Compile> {
  const { compile } = await import('@minigpt/backends/node');
  return (step, options) => compile(step, { ...options, xla: true });
}

const { values: flags } = readFlags(import.meta.url, {
  options: {
    run: { type: 'string' }, // one round, in a process of its own
    config: { type: 'string' },
    configs: { type: 'string', default: 'nano,small' },
    runs: { type: 'string', default: 'node, graph;node, eager;node, plain tfjs;wasm' },
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '20' },
    threads: { type: 'string', default: '2' },
    dropout: { type: 'string', default: '0' },
    python: { type: 'string' },
    out: { type: 'string' },
  },
});
const steps = positiveInteger('steps', flags.steps);
const roundCount = positiveInteger('rounds', flags.rounds);
const threads = positiveInteger('threads', flags.threads);
const dropout = rate('dropout', flags.dropout);
const configNames = flags.configs.split(',').map((name) => oneOf('configs', name, keysOf(configs)));
const runNames = flags.runs.split(';').map((name) => oneOf('runs', name, keysOf(runs)));

function keysOf<Name extends string>(record: Readonly<Record<Name, unknown>>): Name[] {
  return Object.keys(record) as Name[];
}

if (flags.run === undefined) compare();
else console.log(JSON.stringify(await measure(flags.run as keyof typeof runs, flags.config as ConfigName)));

/** What a process found out. */
interface Round {
  /** Of the median step. */
  readonly tokensPerSecond: number;
  /** Milliseconds of processor time of the cheapest step, all threads together. */
  readonly cpu: number;
  readonly version: string;
}

async function measure(name: keyof typeof runs, configName: ConfigName): Promise<Round> {
  const run: Run = runs[name];
  const { version } = await (run.start === undefined ? selectBackend(run.backend) : run.start());
  if (run.plain) {
    const backendName = run.backend === 'node' ? 'tensorflow' : run.backend;
    const own = getKernelsForBackend(backendName).filter(({ kernelName }) =>
      kernelName.startsWith('MiniGPT.'),
    );
    for (const { kernelName } of own) unregisterKernel(kernelName, backendName);
  }
  const { batchSize, ...shape } = configs[configName];
  const rng = new Rng(1);
  const model = new GPT({ vocabSize: VOCABULARY, bias: false, dropout, ...shape, rng });
  const tokens = Uint16Array.from(rng.fold('text').integers(10_000, VOCABULARY));
  const speeds: number[] = [];
  const used: number[] = [];
  let before = process.cpuUsage();
  for await (const event of train({
    model,
    optimizer: adamW({ parameters: parameters(model) }),
    batch: batches({ tokens, blockSize: shape.blockSize, batchSize, rng }),
    schedule: constant(1e-3),
    maxIters: WARM_UP + steps,
    compile: await run.compile(),
  })) {
    if (event.type !== 'step') continue;
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    if (event.step <= WARM_UP) continue;
    speeds.push(event.tokensPerSecond);
    used.push((user + system) / 1000);
  }
  return { tokensPerSecond: median(speeds), cpu: Math.min(...used), version };
}

function compare(): void {
  const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  const env = {
    ...process.env,
    TSX_TSCONFIG_PATH: here('../tsconfig.json'),
    TF_NUM_INTRAOP_THREADS: flags.threads,
    TF_NUM_INTEROP_THREADS: flags.threads,
    MINIGPT_THREADS: flags.threads,
    TF_CPP_MIN_LOG_LEVEL: '2',
  };
  const measured = configNames.map((config) => {
    const commands = new Map<string, readonly [command: string, args: readonly string[]]>();
    for (const run of runNames) {
      const own = ['--steps', flags.steps, '--dropout', flags.dropout, '--run', run, '--config', config];
      commands.set(run, [process.execPath, ['--import', 'tsx', here('train-speed.ts'), ...own]]);
    }
    if (flags.python !== undefined) {
      const { nLayer, nHead, nEmbd, blockSize, batchSize } = configs[config];
      const shape = [nLayer, nHead, nEmbd, blockSize, batchSize].map(String);
      const own = ['--threads', flags.threads, '--steps', flags.steps, '--dropout', flags.dropout];
      const args = [...own, '--warm-up', String(WARM_UP), ...shape];
      commands.set('PyTorch, eager', [flags.python, [here('train-speed.py'), ...args]]);
    }
    const rounds = new Map<string, Round[]>();
    for (let round = 0; round < roundCount; round++) {
      for (const [name, [command, args]] of commands) {
        const own = { ...env, ...(runs as Readonly<Record<string, Run>>)[name]?.env };
        const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', env: own });
        if (status !== 0) {
          console.error(`${name} does not run: ${stderr.trim().split('\n').at(-1)}`);
          commands.delete(name);
          continue;
        }
        rounds.set(name, [...(rounds.get(name) ?? []), JSON.parse(stdout.trim().split('\n').at(-1)!)]);
      }
    }
    return { config, rounds };
  });
  const tables = measured.map(({ config, rounds }) => table(config as ConfigName, rounds)).join('\n\n');
  console.log(tables);
  if (flags.out === undefined) return;
  const machine = {
    cpu: cpus()[0].model,
    cores: cpus().length,
    node: process.version,
    platform: process.platform,
  };
  const results = measured.map(({ config, rounds }) => ({
    config: { name: config, ...configs[config as ConfigName], vocabSize: VOCABULARY },
    rounds: Object.fromEntries(rounds),
  }));
  const protocol = { rounds: roundCount, steps, warmUp: WARM_UP, threads, dropout };
  writeFileSync(`${flags.out}.json`, `${JSON.stringify({ machine, protocol, results }, null, 2)}\n`);
  const where = `${machine.cores} cores of ${machine.cpu}, Node ${machine.node}, ${threads} threads`;
  writeFileSync(`${flags.out}.md`, `${where}\n\n${tables}\n`);
}

function table(config: ConfigName, rounds: ReadonlyMap<string, readonly Round[]>): string {
  const figures = [...rounds].map(([name, all]) => ({
    name,
    version: all[0].version,
    speed: median(all.map(({ tokensPerSecond }) => tokensPerSecond)),
    cpu: Math.min(...all.map(({ cpu }) => cpu)),
  }));
  const base = figures.find(({ name }) => name.startsWith('PyTorch')) ?? figures[0];
  const lines = figures.map(({ name, version, speed, cpu }) => {
    const ratios = [(speed / base.speed).toFixed(2), cpu.toFixed(0), (base.cpu / cpu).toFixed(2)];
    return `| ${name} | ${version} | ${Math.round(speed)} | ${ratios.join(' | ')} |`;
  });
  return [
    `| ${config} | version | tokens/s | × ${base.name} | processor ms a step | × ${base.name} |`,
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
