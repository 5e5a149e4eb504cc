import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { readSafetensors } from '@minigpt/checkpoints';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program } from './program.ts';
import { bin, runMinigpt } from './testing/run-minigpt.ts';

const folder = mkdtempSync(join(tmpdir(), 'minigpt-cli-'));
const at = (name: string) => join(folder, name);
const run = at('run');

const minigpt = (args: readonly string[], input?: string) => runMinigpt(args, { cwd: folder, input });

const lines = (text: string) => text.trim().split('\n');
const json = (text: string) => lines(text).map((line) => JSON.parse(line));

const tiny = ['--n-layer', '1', '--n-head', '2', '--n-embd', '8', '--block-size', '8', '--batch-size', '4'];
const quick = [...tiny, '--eval-interval', '10', '--eval-iters', '2', '--backend', 'cpu'];
const trainTiny = (out: string, ...more: string[]) =>
  minigpt(['train', '--data', at('text.txt'), '--out', out, ...quick, ...more]);

beforeAll(async () => {
  writeFileSync(at('text.txt'), 'The quick brown fox jumps over the lazy dog.\n'.repeat(60));
  const { code, stderr } = await trainTiny(run, '--max-iters', '20');
  expect(stderr).toBe('');
  expect(code).toBe(0);
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a run', () => {
  it('leaves a checkpoint, metrics and a loss curve', () => {
    const events = json(readFileSync(join(run, 'metrics.jsonl'), 'utf8'));
    expect(events.filter(({ type }) => type === 'step')).toHaveLength(20);
    expect(events.filter(({ type }) => type === 'evaluation').map(({ step }) => step)).toEqual([0, 10, 20]);
    expect(readFileSync(join(run, 'loss.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(JSON.parse(readFileSync(join(run, 'checkpoint/config.json'), 'utf8'))).toMatchObject({
      n_embd: 8,
    });
  });

  it('samples the same text for a seed, and the likeliest at temperature 0', async () => {
    const sample = (...flags: string[]) =>
      minigpt(['sample', '--model', run, '--prompt', 'The', '--max-new-tokens', '12', '--json', ...flags]);
    const [first, second, other, greedy] = await Promise.all([
      sample('--seed', '1', '--backend', 'cpu'),
      sample('--seed', '1', '--backend', 'wasm'),
      sample('--seed', '2', '--backend', 'cpu'),
      sample('--temperature', '0', '--backend', 'cpu'),
    ]);
    const [drawn] = json(first.stdout);
    expect(drawn.ids).toHaveLength(12);
    expect(drawn.prompt).toBe('The');
    expect(json(second.stdout)[0].ids).toEqual(drawn.ids);
    expect(json(other.stdout)[0].ids).not.toEqual(drawn.ids);
    expect(json(greedy.stdout)[0].text).toHaveLength(12);
  });

  it('is evaluated over a whole file', async () => {
    const { stdout, code } = await minigpt([
      'eval',
      '--model',
      run,
      '--data',
      at('text.txt'),
      '--json',
      '--backend',
      'cpu',
    ]);
    expect(code).toBe(0);
    const [result] = json(stdout);
    expect(result.tokens).toBe(60 * 45 - 1);
    expect(result.perplexity).toBeCloseTo(Math.exp(result.loss), 10);
    expect(result.bitsPerByte).toBeCloseTo(result.loss / Math.LN2, 10); // one byte a character here
  });

  it('is evaluated on every token also if it answers only with a full window', async () => {
    const [train, evaluated] = [
      ['train', '--model', 'mlp', '--out', at('mlp')],
      ['eval', '--model', at('mlp')],
    ];
    const data = ['--data', at('text.txt'), '--backend', 'cpu'];
    await minigpt([...train, ...data, '--n-embd', '4', '--block-size', '8', '--max-iters', '2']);
    const { stdout } = await minigpt([...evaluated, ...data, '--json']);
    const [result] = json(stdout);
    expect(result.tokens).toBe(60 * 45 - 8); // all but the first context
    expect(result.bitsPerByte).toBeCloseTo(result.loss / Math.LN2, 10);
  });

  it('gives its logits, parameters, and the ids of a text and back', async () => {
    const [logits, table, encoded] = await Promise.all([
      minigpt([
        'logits',
        '--model',
        run,
        '--ids',
        '1,2,3',
        '--out',
        at('logits.safetensors'),
        '--backend',
        'cpu',
      ]),
      minigpt(['inspect', '--model', run, '--json']),
      minigpt(['encode', '--tokenizer', run], 'lazy fox'),
    ]);
    expect(logits.code).toBe(0);
    const tensor = readSafetensors(readFileSync(at('logits.safetensors'))).tensors.get('logits');
    expect(tensor?.shape.slice(0, 2)).toEqual([1, 3]);
    const [{ table: rows, parameters }] = json(table.stdout);
    expect(rows[0]).toMatchObject({ name: 'transformer.wte.weight', dtype: 'float32', trainable: true });
    expect(parameters).toBe(rows.reduce((sum: number, { count }: { count: number }) => sum + count, 0));
    const decoded = await minigpt(['decode', '--tokenizer', run, '--ids', encoded.stdout.trim()]);
    expect(decoded.stdout).toBe('lazy fox\n');
  });

  it('stopped and resumed equals one that was not stopped', async () => {
    const whole = await trainTiny(
      at('whole'),
      '--max-iters',
      '20',
      '--lr-decay-iters',
      '20',
      '--warmup-iters',
      '2',
    );
    await trainTiny(at('halves'), '--max-iters', '10', '--lr-decay-iters', '20', '--warmup-iters', '2');
    const resumed = await minigpt(['train', '--resume', '--out', at('halves'), '--max-iters', '20']);
    expect([whole.code, resumed.code]).toEqual([0, 0]);
    const losses = (out: string) =>
      json(readFileSync(join(at(out), 'metrics.jsonl'), 'utf8'))
        .filter(({ type }) => type === 'step')
        .map(({ step, loss }) => [step, loss]);
    expect(losses('halves')).toEqual(losses('whole'));
    const weights = (out: string) => readFileSync(join(at(out), 'checkpoint/model.safetensors'));
    expect(weights('halves').equals(weights('whole'))).toBe(true);
  });

  it('stops at Ctrl-C, saves, and says how to go on', async () => {
    const out = at('interrupted');
    const child = spawn(process.execPath, [
      ...[bin, 'train', '--data', at('text.txt'), '--out', out, ...quick],
      ...['--max-iters', '100000', '--json'],
    ]);
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    let steps = 0;
    child.stdout.on('data', (chunk) => {
      steps += String(chunk).split('"type":"step"').length - 1;
      if (steps > 5) child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /Stopped after step \d+ of 100000\. It is saved; go on with: (pnpm )?minigpt train --resume --out/,
    );
    const { code: sampled } = await minigpt([
      'sample',
      '--model',
      out,
      '--max-new-tokens',
      '1',
      '--backend',
      'cpu',
    ]);
    expect(sampled).toBe(0);
  });
});

it('does what the README shows', { timeout: 240_000 }, async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const commands = lines(readme.match(/```sh\n(.*?)```/s)?.[1] ?? '');
  expect(commands.length).toBeGreaterThan(0);
  expect(commands.length).toBeLessThanOrEqual(10);
  for (const command of commands) {
    const words = command.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [];
    expect(words[0]).toBe('minigpt');
    const { code, stderr, stdout } = await minigpt(words.slice(1));
    expect(stderr, command).not.toMatch(/^minigpt:/m); // TensorFlow may greet there
    expect(code, command).toBe(0);
    expect(stdout).not.toBe('');
  }
});

it('the program in the first README runs and learns', { timeout: 60_000 }, async () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const program = readFileSync(join(root, 'README.md'), 'utf8').match(/```ts\n(.*?)```/s)?.[1] ?? '';
  expect(lines(program).length).toBeLessThanOrEqual(10);
  const file = at('program.mts');
  writeFileSync(file, program.replace('console.log(event)', 'console.log(JSON.stringify(event))'));
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') };
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', tsx, file], { env });
  const losses = json(stdout).map(({ loss }) => loss);
  expect(losses).toHaveLength(50);
  expect(losses[49]).toBeLessThan(losses[0] / 2);
});

describe('tokenizers', () => {
  it('encodes with a published encoding, and special tokens only where they are allowed', async () => {
    const encode = (...flags: string[]) =>
      minigpt(['encode', '--tokenizer', 'gpt2', ...flags], 'Call me<|endoftext|>');
    const [allowed, refused] = await Promise.all([encode('--allow-special', '--json'), encode()]);
    expect(json(allowed.stdout)).toEqual([{ ids: [14134, 502, 50256] }]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/special token <\|endoftext\|>; add --allow-special/);
  });

  it('trains a tokenizer, says what is in it, and shows a text by token', async () => {
    const out = at('tokenizer.json');
    const flags = ['--kind', 'bpe', '--vocab-size', '280', '--data', at('text.txt'), '--out', out, '--json'];
    const trained = await minigpt(['tokenizer', 'train', ...flags]);
    expect(json(trained.stdout)).toMatchObject([{ kind: 'bpe', vocabSize: 280, out }]);
    const [inspected, shown] = await Promise.all([
      minigpt(['tokenizer', 'inspect', '--tokenizer', out, '--data', at('text.txt'), '--json']),
      minigpt(['tokenizer', 'show', '--tokenizer', out, 'quick fox', '--json']),
    ]);
    const [{ vocabSize, bytesPerToken, longest }] = json(inspected.stdout);
    expect(vocabSize).toBe(280);
    expect(bytesPerToken).toBeGreaterThan(2);
    expect(longest[0].bytes).toBeGreaterThanOrEqual(longest[1].bytes);
    const [{ tokens }] = json(shown.stdout);
    expect(tokens.map(({ text }: { text: string }) => text).join('')).toBe('quick fox');
  });
});

describe('bad input is one clear sentence and exit code 1, or 2 for a mistake on the command line', () => {
  const cases: Record<string, readonly [args: () => string[], message: RegExp, code?: number]> = {
    'an empty text': [() => ['train', '--data', at('empty.txt'), '--out', at('x')], /text.*empty|tokens/i],
    'a text shorter than the context': [
      () => ['train', '--data', at('short.txt'), '--out', at('x')],
      /needs at least 65 tokens, but only \d+ came/,
    ],
    'a file that is not there': [
      () => ['train', '--data', at('none.txt'), '--out', at('x')],
      /does not exist/,
    ],
    'a text that is not UTF-8': [
      () => ['train', '--data', at('latin1.txt'), '--out', at('x')],
      /must be UTF-8, but .* is not \(byte 0xE9 at offset 3\)/,
    ],
    'a character that the vocabulary lacks': [() => ['sample', '--model', run, '--prompt', 'Zebra'], /Z/],
    'an unknown flag': [() => ['train', '--n-layers', '3'], /unknown option '--n-layers'[\s\S]*--n-layer/, 2],
    'an unknown command': [() => ['trian'], /unknown command 'trian'[\s\S]*train/, 2],
    'a flag of the wrong kind': [
      () => ['train', '--n-layer', 'many'],
      /--n-layer <n>.*It takes a positive integer/,
      2,
    ],
    'a width that the heads do not divide': [
      () => ['train', '--data', at('text.txt'), '--n-embd', '10', '--n-head', '4', '--out', at('x')],
      /divisible by the number of heads, but the width is 10 and there are 4 heads/,
    ],
    'a checkpoint that is not there': [() => ['sample', '--model', at('none')], /none/],
    'a compiler that the backend has not': [
      () => ['sample', '--model', run, '--backend', 'cpu', '--compile', 'on'],
      /needs a backend that can, but cpu cannot; .*compile 'auto'/,
    ],
    'a truncated checkpoint': [() => ['sample', '--model', at('truncated')], /model\.safetensors/],
    'a tokenizer of another model': [() => ['sample', '--model', at('swapped')], /tokenizer/],
    'a checkpoint of another shape': [() => ['sample', '--model', at('misshapen')], /misshapen/],
    'an id that the model lacks': [
      () => ['logits', '--model', run, '--ids', '999', '--out', at('l')],
      /Token ids must lie in 0…\d+, but 999 came/,
    ],
    'ids that are none, on standard input': [
      () => ['decode', '--tokenizer', run],
      /Standard input must hold token ids .*, but it is ""/,
      2,
    ],
    'a tokenizer file in no folder': [
      () => ['tokenizer', 'train', '--data', at('text.txt'), '--out', join(at('none'), 't.json')],
      /--out is in the folder .*none, which does not exist/,
      2,
    ],
    'a folder that cannot be written': [
      () => ['train', '--data', at('text.txt'), '--out', join(at('text.txt'), 'out')],
      /text\.txt/,
    ],
    'a run that is there already': [
      () => ['train', '--data', at('text.txt'), '--out', run],
      /holds a run already; add --resume/,
      2,
    ],
    'a learning rate that makes the loss explode': [
      () => [
        'train',
        '--data',
        at('text.txt'),
        ...quick,
        '--learning-rate',
        '1e30',
        '--grad-clip',
        '0',
        '--warmup-iters',
        '0',
        '--out',
        at('nan'),
      ],
      /must stay finite, but at step \d+/,
    ],
  };

  beforeAll(async () => {
    writeFileSync(at('empty.txt'), '');
    writeFileSync(at('short.txt'), 'Too short.');
    writeFileSync(at('latin1.txt'), Buffer.from('caf\xe9 au lait'.repeat(100), 'latin1'));
    for (const name of ['truncated', 'swapped', 'misshapen']) await trainTiny(at(name), '--max-iters', '2');
    truncateSync(join(at('truncated'), 'checkpoint/model.safetensors'), 500);
    const tokenizer = join(at('swapped'), 'checkpoint/tokenizer.json');
    writeFileSync(tokenizer, readFileSync(tokenizer, 'utf8').replace('"q"', '"Q"'));
    const config = join(at('misshapen'), 'checkpoint/config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace('"n_embd": 8', '"n_embd": 16'));
  }, 60_000);

  for (const [what, [args, message, code]] of Object.entries(cases)) {
    it.concurrent(what, { timeout: 60_000 }, async () => {
      const result = await minigpt(args());
      expect(result.stderr).toMatch(message);
      expect(result.stderr, 'no stack trace').not.toMatch(/\n {4}at /);
      expect(result.code).toBe(code ?? 1);
    });
  }
});

describe('doctor', () => {
  it('says what a backend computes with and how fast', async () => {
    const { code, stdout } = await minigpt(['doctor', '--backend', 'cpu', '--json']);
    const [{ gflops, ...finding }] = json(stdout);
    expect(finding).toEqual({
      backend: 'cpu',
      available: true,
      description: 'plain JavaScript, 1 thread',
      version: '4.22.0',
      threads: 1,
    });
    expect(gflops).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  it('says why a backend does not run here, with exit code 1 if none does', async () => {
    const { code, stdout } = await minigpt(['doctor', '--backend', 'webgl']);
    expect(stdout).toMatch(/✗ webgl\n.*there is no WebGL outside of a browser/);
    expect(code).toBe(1);
  });

  it('looks at all of them, one after the other', async () => {
    const { code, stdout } = await minigpt(['doctor', '--json']);
    const findings = json(stdout);
    expect(findings.map(({ backend }) => backend)).toEqual(['node', 'webgpu', 'webgl', 'wasm', 'cpu']);
    for (const finding of findings) expect(finding.available ? finding.gflops : finding.reason).toBeTruthy();
    expect(code).toBe(0);
  }, 180_000);
});

describe('help', () => {
  it.each([program, ...program.commands].map((command) => [command.name(), command] as const))(
    'of %s shows an example',
    (name, command) => {
      let help = '';
      const output = command.configureOutput();
      command.configureOutput({ writeOut: (text) => (help += text) });
      command.outputHelp();
      command.configureOutput(output);
      expect(help).toMatch(/Examples?:/);
      expect(help).toContain(name === 'minigpt' ? 'minigpt start' : `minigpt ${name}`);
    },
  );

  it('and the version exit with 0', async () => {
    expect(await minigpt(['train', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Usage: minigpt train/),
    });
    expect(await minigpt(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});
