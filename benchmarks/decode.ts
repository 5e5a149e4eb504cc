/**
 * How fast a model reads a prompt and writes, how long it takes to load and how much memory, next to llama.cpp, llama2.c and
 * PyTorch on the same file, one thread each.
 *
 *   pnpm --filter @minigpt/benchmarks decode --model FILE [--backends "node, compiled;node;wasm"] [--prompt-tokens 128]
 *     [--tokens 32] [--warm-up 8] [--rounds 3] [--clock cpu|wall] [--llama-cpp FILE,…] [--llama2c RUN]
 *     [--python PYTHON_WITH_TORCH_AND_TRANSFORMERS] [--json FILE]
 *
 * A backend with `, compiled` reads each token by a compiled step, which was compiled before; how long that took is a column.
 * `--warm-up` tokens come before what is timed, in texts of `--tokens` each: V8 compiles JavaScript the better the longer it
 * has seen it.
 * `--llama-cpp` takes the GGUF files that llama.cpp runs, such as the model itself and what `gguf-to-f32.py` makes of it;
 * `--llama2c` the program `run` of karpathy/llama2.c, built with `gcc -O3 -march=native`, where the model is a llama2.c file.
 *
 * All take turns in one run, each round in a process of its own; figures are medians of the rounds. Time is the processor time
 * of the process, V8's own threads included, which other work on the machine disturbs little; with `--clock wall` it is what a
 * watch shows, for a machine that does nothing else.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BackendName, selectBackend } from '@minigpt/backends';
import { loadPretrained } from '@minigpt/checkpoints/node';
import { FixedKVCache, generate, Session } from '@minigpt/sampling';
import { CLOCKS, millisecondsOf } from './clock.ts';
import { oneOf, positiveInteger, readFlags, required } from './flags.ts';

const { values: flags } = readFlags(import.meta.url, {
  options: {
    model: { type: 'string' },
    backends: { type: 'string', default: 'node, compiled;node;wasm' },
    'prompt-tokens': { type: 'string', default: '128' },
    tokens: { type: 'string', default: '32' },
    'warm-up': { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    clock: { type: 'string', default: 'cpu' },
    'llama-cpp': { type: 'string' },
    llama2c: { type: 'string' },
    python: { type: 'string' },
    json: { type: 'string' },
    run: { type: 'string' }, // one round of one runner, in a process of its own
  },
});
const model = required('model', flags.model, 'a GGUF or llama2.c file');
const promptTokens = positiveInteger('prompt-tokens', flags['prompt-tokens']);
const tokens = positiveInteger('tokens', flags.tokens);
const warmUp = positiveInteger('warm-up', flags['warm-up']);
const roundCount = positiveInteger('rounds', flags.rounds);
const clock = oneOf('clock', flags.clock, CLOCKS);

/** Seconds by the clock that was asked for, MiB at the peak. */
interface Round {
  readonly version: string;
  readonly loadSeconds?: number;
  readonly compileSeconds?: number;
  readonly peakMiB?: number;
  readonly promptSeconds?: number;
  readonly tokenSeconds: number;
}

if (flags.run === undefined) compare();
else if (flags.run.endsWith('.gguf')) console.log(JSON.stringify(await llamaCpp(flags.run)));
else console.log(JSON.stringify(await minigpt(flags.run)));

async function minigpt(run: string): Promise<Round> {
  const [name, compiled] = run.split(', ');
  const { version } = await selectBackend(name as BackendName);
  const load = stopwatch();
  const { model: loaded } = await loadPretrained(model);
  const loadSeconds = load();
  const ids = promptIds(loaded.vocabSize);
  const cache = new FixedKVCache({ capacity: Math.max(promptTokens, 8) + tokens + 1 });
  const session = new Session(loaded, { cache, compile: compiled !== undefined });
  const options = { temperature: 0, session };
  // Compilers of all kinds get to see the code before it is timed; ours at the first two tokens after the prompt's.
  const times: number[] = [];
  const warm = ids.toReversed().slice(0, 8);
  for (let left = warmUp; left > 0; left -= tokens) {
    let token = stopwatch();
    for await (const _ of generate(loaded, warm, { ...options, maxNewTokens: Math.min(left, tokens) })) {
      times.push(token());
      token = stopwatch();
    }
  }
  const compileSeconds = compiled === undefined ? undefined : times[1] + times[2];
  const whole = stopwatch();
  let promptSeconds = 0;
  for await (const _ of generate(loaded, ids, { ...options, maxNewTokens: tokens + 1 }))
    promptSeconds ||= whole();
  const tokenSeconds = (whole() - promptSeconds) / tokens;
  return { version, loadSeconds, compileSeconds, promptSeconds, tokenSeconds, peakMiB: peakMiB() };
}

async function llamaCpp(file: string): Promise<Round> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error, maxThreads: 1 });
  const load = stopwatch();
  const loaded = await llama.loadModel({ modelPath: file });
  const loadSeconds = load();
  const contextSize = promptTokens + tokens + 16;
  const context = await loaded.createContext({ contextSize, threads: 1, batchSize: contextSize });
  const sequence = context.getSequence();
  const ids = promptIds(loaded.fileInfo.metadata.tokenizer.ggml.tokens.length);
  await sequence.evaluateWithoutGeneratingNewTokens(ids.slice(0, 8) as never);
  await sequence.clearHistory();
  const whole = stopwatch();
  let [promptSeconds, count] = [0, 0];
  for await (const _ of sequence.evaluate(ids as never, { temperature: 0, yieldEogToken: true })) {
    promptSeconds ||= whole();
    if (count++ === tokens) break;
  }
  const version = llama.llamaCppRelease.release;
  const tokenSeconds = (whole() - promptSeconds) / tokens;
  return { version, loadSeconds, promptSeconds, tokenSeconds, peakMiB: peakMiB() };
}

/** Ids without meaning, alike for all. */
function promptIds(vocabSize: number): number[] {
  return Array.from({ length: promptTokens }, (_, i) => 3 + ((7919 * i) % (vocabSize - 3)));
}

/** @returns what gives the seconds since then */
function stopwatch(): () => number {
  const began = millisecondsOf(clock);
  return () => (millisecondsOf(clock) - began) / 1000;
}

function peakMiB(): number {
  return process.resourceUsage().maxRSS / 1024;
}

function compare(): void {
  const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  const given = [
    '--model',
    model,
    '--prompt-tokens',
    `${promptTokens}`,
    '--tokens',
    `${tokens}`,
    '--clock',
    clock,
  ];
  const ownGiven = [...given, '--warm-up', `${warmUp}`];
  const own = (run: string) => () =>
    printed(process.execPath, ['--import', 'tsx', here('decode.ts'), ...ownGiven, '--run', run]);
  const runners = new Map<string, () => Round>();
  for (const name of flags.backends.split(';')) runners.set(`minigpt, ${name}`, own(name));
  for (const file of flags['llama-cpp']?.split(',') ?? [])
    runners.set(`llama.cpp, ${basename(file)}`, own(file));
  const { python, llama2c } = flags;
  if (python !== undefined)
    runners.set('PyTorch, float32', () => printed(python, [here('decode.py'), ...given]));
  if (llama2c !== undefined) runners.set('llama2.c', () => timed(llama2c));

  const rounds = new Map<string, Round[]>();
  for (let round = 0; round < roundCount; round++) {
    for (const [name, run] of runners) {
      try {
        rounds.set(name, [...(rounds.get(name) ?? []), run()]);
      } catch (error) {
        console.error(`${name} does not run: ${(error as Error).message}`);
        runners.delete(name);
      }
    }
  }
  report([...rounds].map(([name, measured]) => ({ name, ...medians(measured), rounds: measured })));
}

/** What a program says of a round in its last line. */
function printed(command: string, args: readonly string[]): Round {
  return JSON.parse(run(command, args).stdout.trim().split('\n').at(-1) as string);
}

/** A round of llama2.c: the time of five texts, which the shell tells. */
function timed(program: string): Round {
  const text = `"$0" "$1" -z "$2" -t 0 -n ${tokens} -i "Once upon a time"`;
  const format = clock === 'wall' ? '%3R' : '%3U %3S';
  const script = `TIMEFORMAT='${format}'; time for i in 1 2 3 4 5; do ${text} > /dev/null 2>&1 || exit 1; done`;
  const { stderr } = run('bash', ['-c', script, program, model, join(dirname(model), 'tok512.bin')]);
  const seconds = stderr
    .trim()
    .split(' ')
    .reduce((sum, part) => sum + Number(part), 0);
  return { version: 'run.c', tokenSeconds: seconds / 5 / tokens };
}

function run(command: string, args: readonly string[]): { stdout: string; stderr: string } {
  const { stdout, stderr, status, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: environment(),
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(stderr.trim().split('\n').at(-1));
  return { stdout, stderr };
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    TSX_TSCONFIG_PATH: fileURLToPath(new URL('../tsconfig.json', import.meta.url)),
    TF_NUM_INTRAOP_THREADS: '1',
    TF_NUM_INTEROP_THREADS: '1',
    OMP_NUM_THREADS: '1',
  };
}

type Medians = Round & { readonly name: string };

function medians(rounds: readonly Round[]): Round {
  const of = (field: 'loadSeconds' | 'compileSeconds' | 'peakMiB' | 'promptSeconds') => {
    const values = rounds.map((round) => round[field]).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  return {
    version: rounds[0].version,
    loadSeconds: of('loadSeconds'),
    compileSeconds: of('compileSeconds'),
    peakMiB: of('peakMiB'),
    promptSeconds: of('promptSeconds'),
    tokenSeconds: median(rounds.map(({ tokenSeconds }) => tokenSeconds)),
  };
}

function report(results: readonly (Medians & { readonly rounds: readonly Round[] })[]): void {
  const config = { model: basename(model), promptTokens, tokens, rounds: roundCount, clock };
  const machine = { processor: cpus()[0].model, cores: cpus().length, node: process.version };
  if (flags.json !== undefined)
    writeFileSync(flags.json, `${JSON.stringify({ machine, config, results }, undefined, 2)}\n`);
  const row = (cells: readonly (string | undefined)[]) =>
    `| ${cells.map((cell) => cell ?? '').join(' | ')} |`;
  const [{ tokenSeconds: own }] = results;
  console.log(
    `${config.model}, prompt of ${promptTokens} tokens, then ${tokens}; ${config.rounds} rounds, ${clock === 'wall' ? 'time on the clock' : 'processor time'}. ${machine.processor}, ${machine.node}.\n`,
  );
  console.log(
    row([
      '',
      'version',
      'load, s',
      'compile, s',
      'peak, MiB',
      'prompt, tokens/s',
      'decoding, tokens/s',
      'times the first',
    ]),
  );
  console.log(row(new Array(8).fill('---')));
  for (const { name, version, peakMiB, promptSeconds, tokenSeconds, ...once } of results) {
    console.log(
      row([
        name,
        version,
        once.loadSeconds?.toFixed(1),
        once.compileSeconds?.toFixed(1),
        peakMiB?.toFixed(0),
        promptSeconds === undefined ? undefined : (promptTokens / promptSeconds).toFixed(0),
        (1 / tokenSeconds).toPrecision(3),
        (own / tokenSeconds).toFixed(2),
      ]),
    );
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
