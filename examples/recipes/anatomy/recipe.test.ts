import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEEDS_REFERENCE_DATA, NEEDS_SMOLLM2, referenceData, smolLM2 } from '@minigpt/testing/reference';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RecipeRun, runRecipe } from '../../../scripts/lib/run-recipe.ts';
import { explainConfig } from './explain-config.ts';
import { type ParameterRow, parameterCsv, parameterRows } from './parameter-table.ts';

const shared = referenceData();
const folder = mkdtempSync(join(tmpdir(), 'minigpt-anatomy-'));
afterAll(() => rmSync(folder, { recursive: true }));

const numberOf = (run: RecipeRun, what: string) => run.numbers.find((number) => number.what === what)?.value;

function expectNumbers(run: RecipeRun): void {
  expect(run.stderr).toBe('');
  expect(run.code).toBe(0);
  expect(run.numbers.filter(({ holds }) => !holds)).toEqual([]);
  expect(numberOf(run, 'parameters of Mistral-7B')).toBe(7_241_732_096);
  expect(numberOf(run, 'MiB of Mistral-7B in float16')).toBe(13_813);
  expect(numberOf(run, 'its loss before')).toBeGreaterThan(2.1);
  expect(numberOf(run, 'its loss after ten epochs')).toBeLessThan(0.05);
}

describe('pnpm recipe anatomy --quick, on a machine without models', () => {
  let run: RecipeRun;
  beforeAll(async () => {
    vi.stubEnv('XDG_CACHE_HOME', folder);
    vi.stubEnv('HF_HOME', folder);
    run = await runRecipe('anatomy', ['--quick', '--backend', 'wasm']);
    vi.unstubAllEnvs();
  }, 300_000);

  it('trains a small one, and arrives at its numbers', () => {
    expectNumbers(run);
    expect(numberOf(run, 'the small model: nats per token')).toBeLessThan(5.2);
    expect(numberOf(run, 'parameters, added up')).toBe(260_032);
  });

  it('leaves a page with its chapters and plots', () => {
    expect(run.page).toContain('No published model is on this machine');
    expect(run.page).toContain('[INST]');
    expect(run.page).toContain('The likeliest first tokens of the answer');
    expect(run.page).toContain('model.layers.*.self_attn.q_proj.weight');
    expect(run.page?.match(/<svg /g)).toHaveLength(9);
  });
});

it.skipIf(smolLM2() === undefined)(
  `SmolLM2-135M-Instruct answers as in PyTorch ${NEEDS_SMOLLM2}`,
  { timeout: 300_000 },
  async () => {
    const run = await runRecipe('anatomy', ['--quick', '--backend', 'wasm']);
    expectNumbers(run);
    expect(numberOf(run, 'parameters')).toBe(134_515_008);
    expect(numberOf(run, 'tokens of the answer that are as they should be')).toBe(9);
    expect(run.page).toContain('The capital of Italy is Rome.');
  },
);

it.skipIf(shared === undefined)(
  `stories260K goes on as in llama2.c ${NEEDS_REFERENCE_DATA}`,
  { timeout: 120_000 },
  async () => {
    const model = join(shared ?? '', 'weights/stories260K.bin');
    const run = await runRecipe('anatomy', ['--quick', '--backend', 'wasm', '--model', model]);
    expectNumbers(run);
    expect(numberOf(run, 'tokens of the answer that are as they should be')).toBe(16);
  },
);

describe.concurrent('a model that it cannot take apart', () => {
  it.each([
    ['a missing one', join(folder, 'nowhere'), undefined, 'nowhere'],
    ['a text', join(folder, 'text.gguf'), 'Call me Ishmael.', 'text.gguf'],
  ])('%s is one sentence', { timeout: 60_000 }, async (_, path, contents, reason) => {
    if (contents !== undefined) writeFileSync(path, contents);
    const { code, stderr } = await runRecipe('anatomy', ['--backend', 'cpu', '--model', path]);
    expect(code).toBe(1);
    expect(stderr.trim()).toMatch(new RegExp(`^anatomy: .*${reason}.*$`));
  });
});

it('explains every line of a config that it knows, the sizes first, and leaves the others empty', () => {
  const config = { odd: [1], num_key_value_heads: 3, num_attention_heads: 9, vocab_size: 49_152 };
  const [vocabulary, heads, keys, odd] = explainConfig(config);
  expect(vocabulary).toMatchObject({ setting: 'vocab_size', value: '49,152' });
  expect(heads!.setting).toBe('num_attention_heads');
  expect(keys!.meaning).toContain('shared by 3 heads of queries');
  expect(odd).toEqual({ setting: 'odd', value: '[1]', meaning: '' });
});

it('gathers the parameters of alike blocks, and lists all in the file', () => {
  const row = (name: string, count: number): ParameterRow => {
    return { name, shape: [count], dtype: 'float32', count, bytes: 4 * count, trainable: true };
  };
  const parameters = [row('h.0.weight', 2 ** 18), row('h.1.weight', 2 ** 18), row('h.2.weight', 8)];
  expect(parameterRows(parameters)).toEqual([
    ['h.*.weight', '2 × [262144]', 'float32', '524,288', '2.000', 'yes'],
    ['h.*.weight', '[8]', 'float32', '8', '0.000', 'yes'],
    ['total', '3 tables', '', '524,296', '2.000', 'yes'],
  ]);
  expect(parameterCsv(parameters).split('\n')[1]).toBe('h.0.weight,262144,float32,262144,1.000000,true');
});
