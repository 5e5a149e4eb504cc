import { execFile, spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTokenizer, trainBpe } from '@minigpt/tokenizers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bin, runMinigpt } from './testing/run-minigpt.ts';

const folder = mkdtempSync(join(tmpdir(), 'minigpt-data-'));
const at = (...names: string[]) => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const documents = Array.from({ length: 4000 }, (_, i) =>
  `def f${i}(x):\n    return x + ${i}\n`.repeat((i * 7919) % 97),
);
const tokenize = (out: string, workers: 1 | 2, ...more: string[]) => [
  'data',
  'tokenize',
  '--data',
  at('lines.jsonl'),
  '--tokenizer',
  at('tokenizer.json'),
  '--out',
  at(out),
  '--shard-bytes',
  '500000',
  '--workers',
  String(workers),
  ...more,
];
const minigpt = (...args: string[]) => runMinigpt(args, { cwd: folder });
const contents = (name: string) =>
  Object.fromEntries(
    readdirSync(at(name)).map((file) => [file, readFileSync(at(name, file)).toString('base64')]),
  );

beforeAll(async () => {
  const json = await trainBpe(documents.slice(0, 40).join(''), {
    vocabSize: 300,
    specialTokens: ['<|endoftext|>'],
  });
  writeFileSync(at('tokenizer.json'), JSON.stringify(createTokenizer(json)));
  writeFileSync(at('lines.jsonl'), documents.map((content) => JSON.stringify({ content })).join('\n'));
  const { code, stderr } = await runMinigpt(tokenize('whole', 2));
  expect(stderr).toBe('');
  expect(code).toBe(0);
}, 60_000);

// Each test waits for processes of its own, so they run side by side.
describe.concurrent('minigpt data', { timeout: 60_000 }, () => {
  it('info says what is there', async () => {
    const { stdout } = await minigpt('data', 'info', at('whole'), '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      dtype: 'uint16',
      documents: 4000,
      complete: true,
      vocabSize: 300,
    });
  });

  it('verify says which files are damaged', async () => {
    mkdirSync(at('damaged'));
    for (const file of readdirSync(at('whole'))) copyFileSync(at('whole', file), at('damaged', file));
    truncateSync(at('damaged', 'shard-00001.bin'), 77);
    const { code, stdout, stderr } = await minigpt('data', 'verify', at('damaged'));
    expect(code).toBe(1);
    expect(stdout).toContain('shard-00001.bin of the shards in');
    expect(stderr).toMatch(/^minigpt: 1 of \d+ files in .* are not as they were written\.\n$/);
  });

  it.each([
    ['no data', ['data', 'tokenize', '--tokenizer', 'x', '--out', 'y'], "required option '--data"],
    [
      'a format that there is not',
      [...tokenize('x', 1), '--format', 'csv'],
      'Allowed choices are text, jsonl, parquet',
    ],
  ])('%s is a mistake on the command line', async (_, args, message) => {
    const { code, stderr } = await minigpt(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('says in one sentence what it cannot read', async () => {
    const { code, stderr } = await runMinigpt(tokenize('bad', 1, '--field', 'text'));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^minigpt: Cannot tokenise .*lines\.jsonl, the line at byte 0: it has no text "text" but content; .*\.\n$/,
    );
  });
});

describe.concurrent('minigpt data tokenize goes on to the same bytes', { timeout: 60_000 }, () => {
  /** Runs it until some pieces of work are told of, then sends a signal. */
  function interrupted(
    out: string,
    signal: NodeJS.Signals,
  ): Promise<{ code: number | null; stderr: string }> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [bin, ...tokenize(out, 2, '--json')], { cwd: folder });
      let told = '';
      let stderr = '';
      child.stderr.on('data', (data) => {
        stderr += data;
      });
      child.stdout.on('data', (data) => {
        told += data;
        if (told.split('"type":"progress"').length > 3) child.kill(signal);
      });
      child.on('close', (code) => resolve({ code, stderr }));
    });
  }

  it('after kill -9', async () => {
    const { code } = await interrupted('killed', 'SIGKILL');
    expect(code).toBe(null);
    const { code: second } = await runMinigpt(tokenize('killed', 1));
    expect(second).toBe(0);
    expect(contents('killed')).toEqual(contents('whole'));
  });

  it('after Ctrl-C, which it says', async () => {
    const { code, stderr } = await interrupted('stopped', 'SIGINT');
    expect(code).toBe(130);
    expect(stderr).toContain('Stopped. What is written can be read, and the same command goes on behind it.');
    const { stdout } = await minigpt('data', 'info', at('stopped'), '--json');
    expect(JSON.parse(stdout)).toMatchObject({ complete: false });
    await runMinigpt(tokenize('stopped', 1));
    expect(contents('stopped')).toEqual(contents('whole'));
  });

  const mountable = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', tmpdir()]).status === 0;
  it.skipIf(!mountable)('after a full disk, which it says (needs `unshare` and `mount`)', async () => {
    mkdirSync(at('disk'));
    const script = [
      'mount -t tmpfs -o size=1m none "$MOUNT"; cd "$MOUNT"',
      '"$@"; echo "exit $?"',
      `'${process.execPath}' '${bin}' data verify '${at('disk', 'out')}' > /dev/null; echo "exit $?"`,
      'mount -o remount,size=40m "$MOUNT"',
      '"$@"; echo "exit $?"',
      `cp -r '${at('disk', 'out')}' '${at('after-full-disk')}'`,
    ].join('\n');
    const command = ['-rm', 'sh', '-c', script, 'sh', process.execPath, bin, ...tokenize('disk/out', 1)];
    const { stdout, stderr } = await promisify(execFile)('unshare', command, {
      env: { ...process.env, MOUNT: at('disk') },
    });
    expect(stderr).toMatch(
      /^minigpt: The shards could not be written to .*: the disk is full \(ENOSPC\); the [\d,]+ tokens that it holds stay usable, and the same call goes on after them\.\n$/,
    );
    expect(stdout.match(/exit \d/g)).toEqual(['exit 1', 'exit 0', 'exit 0']);
    expect(contents('after-full-disk')).toEqual(contents('whole'));
  });
});
