import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenizerJson } from '@minigpt/tokenizers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointError, CheckpointFileError, CheckpointWriteError, ForeignFolderError } from '../errors.ts';
import { folderSource } from '../node/folder-source.ts';
import { saveHuggingFace } from '../node/save-hugging-face.ts';
import { hostTensors } from '../source/lazy-state-dict.ts';
import { readStateDict } from '../source/memory.ts';
import { hasShared, NEEDS_SHARED, sharedPath } from '../testing/shared.ts';
import { openHuggingFace } from './open.ts';
import type { Pretrained } from './pretrained.ts';

const state = new Map([
  ['a.weight', { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const],
  ['b.weight', { dtype: 'float32', shape: [3], data: Float32Array.of(5, 6, 7) } as const],
]);
const tokenizer: TokenizerJson = { model: { type: 'WordLevel', vocab: { a: 0, b: 1 } } };
const model: Pretrained = {
  config: {
    model_type: 'llama',
    bos_token_id: 1,
    eos_token_id: 2,
    pad_token_id: null,
    torch_dtype: 'bfloat16',
  },
  weights: hostTensors(state),
  tokenizer,
  tokenizerConfig: { bos_token: '<s>' },
  chatTemplate: '{{ messages }}',
};

let home: string;
let dir: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'minigpt-hf-'));
  dir = join(home, 'out', 'model');
});
afterEach(() => rm(home, { recursive: true }));

const json = async (file: string) => JSON.parse(await readFile(join(dir, file), 'utf8')) as unknown;

describe('saveHuggingFace', () => {
  it('writes a folder that openHuggingFace reads again', async () => {
    await saveHuggingFace(dir, model);
    expect((await readdir(dir)).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(await json('config.json')).toEqual({ ...model.config, torch_dtype: 'float32' });
    expect(await json('generation_config.json')).toEqual({ bos_token_id: 1, eos_token_id: 2 });
    const read = await openHuggingFace(folderSource(dir));
    expect(read).toMatchObject({
      tokenizer,
      tokenizerConfig: { bos_token: '<s>' },
      chatTemplate: '{{ messages }}',
    });
    expect(await readStateDict(read.weights)).toEqual(state);
    await read.weights.close();
  });

  it('shards above a size, leaves out what there is not, and spells the dtype as the config does', async () => {
    const bare: Pretrained = {
      config: { model_type: 'llama', dtype: 'float16' },
      generationConfig: { eos_token_id: [1, 2] },
      weights: model.weights,
    };
    await saveHuggingFace(dir, bare, { maxShardBytes: 16 });
    expect((await readdir(dir)).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
    expect(await json('config.json')).toEqual({ model_type: 'llama', dtype: 'float32' });
    const read = await openHuggingFace(folderSource(dir));
    expect(read.generationConfig).toEqual({ eos_token_id: [1, 2] });
    expect(read.tokenizer).toBeUndefined();
    expect(await readStateDict(read.weights)).toEqual(state);
    await read.weights.close();
  });

  it('writes into an empty folder, and replaces nothing else', async () => {
    await mkdir(dir, { recursive: true });
    await saveHuggingFace(dir, model);
    await expect(saveHuggingFace(dir, model)).rejects.toThrow(ForeignFolderError);
    await writeFile(join(home, 'file'), '');
    await expect(saveHuggingFace(join(home, 'file'), model)).rejects.toThrow(ForeignFolderError);
    await expect(saveHuggingFace(join(home, 'file', 'x'), model)).rejects.toThrow(CheckpointWriteError);
  });

  it('leaves nothing behind where a tensor cannot be read, or a number not be written', async () => {
    const weights = { ...model.weights, read: () => Promise.reject(new Error('gone')) };
    await expect(saveHuggingFace(dir, { ...model, weights })).rejects.toThrow('gone');
    const config = { ...model.config, rms_norm_eps: Number.NaN };
    await expect(saveHuggingFace(dir, { ...model, config })).rejects.toThrow(CheckpointError);
    expect(await readdir(join(home, 'out'))).toEqual([]);
  });
});

describe('openHuggingFace', () => {
  const write = (file: string, text: string) => writeFile(join(dir, file), text);
  const open = () => openHuggingFace(folderSource(dir));

  it('takes the template of chat_template.jinja, or the default one of several', async () => {
    await saveHuggingFace(dir, { ...model, chatTemplate: undefined });
    const templates = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'plain' },
    ];
    await write('tokenizer_config.json', JSON.stringify({ chat_template: templates }));
    const several = await open();
    expect(several.chatTemplate).toBe('plain');
    await write('chat_template.jinja', '{% set x = 1 %}\n');
    const own = await open();
    expect(own.chatTemplate).toBe('{% set x = 1 %}\n');
    await Promise.all([several.weights.close(), own.weights.close()]);
  });

  it.each([
    ['config.json', '{'],
    ['config.json', '[]'],
    ['tokenizer.json', 'null'],
    ['generation_config.json', ''],
    ['model.safetensors', 'short'],
  ])('refuses a broken %s: %s', async (file, text) => {
    await saveHuggingFace(dir, model);
    await write(file, text);
    await expect(open()).rejects.toMatchObject({ constructor: CheckpointFileError, file });
  });

  it.each(['config.json', 'model.safetensors'])('refuses a folder without %s', async (file) => {
    await saveHuggingFace(dir, model);
    await rm(join(dir, file));
    await expect(open()).rejects.toThrow(`${file} of the checkpoint ${dir} cannot be used: it is missing.`);
  });

  it.skipIf(!hasShared)(`reads what transformers wrote ${NEEDS_SHARED}`, async () => {
    const read = await openHuggingFace(folderSource(sharedPath('golden/models/llama')));
    expect(read.config.model_type).toBe('llama');
    expect(read.generationConfig).toMatchObject({ bos_token_id: 1, eos_token_id: 2 });
    expect((await read.weights.read('model.norm.weight')).shape).toEqual([32]);
    await read.weights.close();
  });
});
