import '@tensorflow/tfjs-backend-cpu';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hostTensors } from '@minigpt/checkpoints';
import { saveHuggingFace } from '@minigpt/checkpoints/node';
import { dispose, Rng, stateDict } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { startBackend } from '@minigpt/testing';
import { createTokenizer, trainBpe } from '@minigpt/tokenizers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bin } from './testing/run-minigpt.ts';

const home = mkdtempSync(join(tmpdir(), 'minigpt-chat-'));
const [model, mute] = [join(home, 'model'), join(home, 'mute')];

const TEMPLATE =
  "{% if messages[0].role == 'robot' %}{{ raise_exception('No robots') }}{% endif %}" +
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

beforeAll(async () => {
  await startBackend('cpu');
  const spec = await trainBpe(['user assistant system hello there'], {
    vocabSize: 275,
    specialTokens: ['<|im_start|>', '<|im_end|>'],
  });
  const tokenizer = createTokenizer(spec);
  const config = {
    model_type: 'llama',
    vocab_size: tokenizer.vocabSize,
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    max_position_embeddings: 4096,
    initializer_range: 0.5,
  };
  const built = modelFromConfig(config, { rng: new Rng(3) });
  const published = {
    config: built.toConfig(),
    weights: await stateDict(built),
    tokenizer: tokenizer.toJSON(),
    generationConfig: { eos_token_id: tokenizer.tokenToId('<|im_end|>') },
  };
  dispose(built);
  const lazily = { ...published, weights: hostTensors(published.weights) };
  await saveHuggingFace(model, { ...lazily, chatTemplate: TEMPLATE });
  await saveHuggingFace(mute, lazily);
}, 60_000);

afterAll(() => rmSync(home, { recursive: true }));

function startChat(...flags: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [bin, 'chat', '--model', model, '--backend', 'cpu', ...flags]);
}

/** The output of a whole conversation, given line by line. */
async function chat(input: string, ...flags: string[]) {
  const child = startChat(...flags);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

const TIMEOUT = { timeout: 120_000 };

describe('minigpt chat', () => {
  it('answers each line, knows the turns before, and forgets them', TIMEOUT, async () => {
    const greedy = ['--max-new-tokens', '6', '--temperature', '0', '--json'];
    const [talked, anew, instructed] = await Promise.all([
      chat('hello\nhello\n\n/reset\nhello', ...greedy),
      chat('/system there\nhello\n', ...greedy),
      chat('hello', ...greedy, '--system', 'there'),
    ]);
    expect(talked.code).toBe(0);
    const [first, second, third, ...more] = answers(talked.stdout);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ tokens: 6, finishReason: 'length', forgotten: 0 });
    expect(second.content).not.toBe(first.content);
    expect(third.content).toBe(first.content);
    expect(talked.stderr).toBe(`${first.content}\n${second.content}\n${third.content}\n`);
    expect(answers(anew.stdout)[0].content).toBe(answers(instructed.stdout)[0].content);
    expect(answers(anew.stdout)[0].content).not.toBe(first.content);
  });

  it('prints the answers alone into a pipe, the same for a seed', TIMEOUT, async () => {
    const flags = ['--max-new-tokens', '5', '--temperature', '1'];
    const [one, same, other] = await Promise.all(
      ['7', '7', '8'].map((seed) => chat('hello\n/exit\nhello\n', ...flags, '--seed', seed)),
    );
    expect(one).toMatchObject({ code: 0, stderr: '' });
    expect(one.stdout).toMatch(/^.+\n$/s);
    expect(same.stdout).toBe(one.stdout);
    expect(other.stdout).not.toBe(one.stdout);
  });

  it('Ctrl-C stops the answer and not the program', TIMEOUT, async () => {
    const child = startChat('--max-new-tokens', '4000', '--context', '4096', '--json');
    const printed = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const interrupted = new Promise<void>((resolve) => {
      child.stderr.once('data', () => {
        child.kill('SIGINT');
        resolve();
      });
    });
    child.stdin.write('hello\n');
    await interrupted;
    const { value } = await printed.next();
    expect(JSON.parse(value)).toMatchObject({ finishReason: 'interrupted' });
    child.stderr.once('data', () => child.kill('SIGINT'));
    child.stdin.write('hello again\n');
    expect(JSON.parse((await printed.next()).value)).toMatchObject({ finishReason: 'interrupted' });
    child.kill('SIGINT'); // nothing is under way
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
  });

  it('lets go of the first turns where the conversation outgrows the context', TIMEOUT, async () => {
    const line = 'hello there hello there\n';
    const { stdout } = await chat(line.repeat(4), '--context', '100', '--max-new-tokens', '8', '--json');
    const forgotten = answers(stdout).map((answer) => answer.forgotten);
    expect(forgotten[0]).toBe(0);
    expect(forgotten.at(-1)).toBeGreaterThan(0);
  });

  it('says in a sentence what it cannot do', TIMEOUT, async () => {
    const results = await Promise.all([
      chat('hello', '--model', mute),
      chat('/sing', '--json'),
      chat('hello there '.repeat(50), '--context', '40'),
    ]);
    expect(results.map(({ code }) => code)).toEqual([2, 2, 1]);
    for (const [i, message] of [
      'needs a chat template, but',
      '/sing is no command; /help lists them.',
      'must leave room for an answer',
    ].entries()) {
      expect(results[i].stderr).toContain(message);
      expect(results[i].stderr).not.toMatch(/\n {4}at /);
    }
  });
});

interface PrintedAnswer {
  readonly content: string;
  readonly forgotten: number;
}

function answers(stdout: string): PrintedAnswer[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
