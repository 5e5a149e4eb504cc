import '@tensorflow/tfjs-backend-cpu';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dispose, Rng, stateDict } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { startBackend } from '@minigpt/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { HubError } from '../hub/errors.ts';
import { parseHubName } from '../hub/hub-name.ts';
import { type FakeHub, startFakeHub } from '../hub/testing/fake-hub.ts';
import { hostTensors } from '../source/lazy-state-dict.ts';
import { MemoryLimitError } from '../source/memory.ts';
import { hubEnvironment } from './hub-environment.ts';
import { loadPretrained } from './load-pretrained.ts';
import { openPath } from './open-path.ts';
import { saveHuggingFace } from './save-hugging-face.ts';

const CONFIG = {
  model_type: 'llama',
  vocab_size: 5,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: 16,
};
const WEIGHTS = 'model.safetensors';

let home: string;
let cacheDir: string;
let hub: FakeHub;
const files = new Map<string, Uint8Array>();

beforeAll(async () => {
  await startBackend('cpu');
  const model = modelFromConfig(CONFIG, { rng: new Rng(3) });
  const dir = await mkdtemp(join(tmpdir(), 'minigpt-hub-'));
  await saveHuggingFace(join(dir, 'model'), {
    config: CONFIG,
    weights: hostTensors(await stateDict(model)),
    tokenizer: { model: { type: 'WordLevel', vocab: { a: 0, b: 1, c: 2, d: 3, e: 4 } } },
  });
  dispose(model);
  for (const file of await readdir(join(dir, 'model')))
    files.set(file, await readFile(join(dir, 'model', file)));
  files.set('pytorch_model.bin', Buffer.alloc(1000));
  await rm(dir, { recursive: true });
});
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'minigpt-hub-'));
  cacheDir = join(home, 'hub');
  hub = await startFakeHub(files);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(home, { recursive: true });
});

const load = async (name = 'org/model', options: Parameters<typeof loadPretrained>[1] = {}) => {
  const loaded = await loadPretrained(name, {
    ...options,
    hub: { endpoint: hub.endpoint, cacheDir, token: '', ...options.hub },
  });
  dispose(loaded.model);
  return loaded;
};
const transfers = () => hub.requests.filter((request) => request.startsWith('GET storage'));
const blobs = () => readdir(join(cacheDir, 'models--org--model', 'blobs'));

describe('a model on the hub', () => {
  it('is loaded by its name, only with the files that it takes', async () => {
    const { tokenizer } = await load();
    expect(tokenizer?.encode('c')).toEqual([2]);
    expect(hub.requests.filter((request) => request.includes('pytorch_model.bin'))).toEqual([]);
    expect(transfers()).toHaveLength(1);
  });

  it('lies in the cache as Python lays it out, and comes from there the next time', async () => {
    await load();
    const repository = join(cacheDir, 'models--org--model');
    expect(await readFile(join(repository, 'refs', 'main'), 'utf8')).toBe(hub.commit);
    const link = await readlink(join(repository, 'snapshots', hub.commit, WEIGHTS));
    expect(link).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
    hub.requests.length = 0;
    await load();
    expect(hub.requests).toEqual([`GET /api/models/org/model/revision/main`]);
    await load(`org/model@${hub.commit}`, { hub: { offline: true } });
    expect(hub.requests).toHaveLength(1);
  });

  it('says how far a download is, and then how far loading is', async () => {
    const steps: string[] = [];
    await load('org/model', {
      onProgress: ({ stage, name, loadedBytes, totalBytes }) => {
        if (loadedBytes === totalBytes) steps.push(`${stage} ${name}`);
      },
    });
    expect(steps).toContain(`download ${WEIGHTS}`);
    expect(steps.at(-1)).toMatch(/^load /);
  });

  it('goes on after the connection broke, again and again, where it stopped', async () => {
    hub.faults.breakAfter = { bytes: 700, times: 3 };
    await load();
    const ranges = transfers().map((request) => request.split(' ')[2]);
    expect(ranges).toEqual([undefined, 'bytes=700-', 'bytes=1400-', 'bytes=2100-']);
  });

  it('goes on where an earlier attempt was aborted', async () => {
    hub.faults.breakAfter = { bytes: 900, times: 1 };
    const controller = new AbortController();
    const onProgress = ({ name, loadedBytes }: { name: string; loadedBytes: number }) => {
      if (name === WEIGHTS && loadedBytes >= 900) controller.abort(new Error('enough'));
    };
    await expect(load('org/model', { signal: controller.signal, onProgress })).rejects.toThrow('enough');
    hub.requests.length = 0;
    await load();
    expect(transfers()).toEqual(['GET storage bytes=900-']);
    expect((await blobs()).filter((name) => name.includes('minigpt'))).toEqual([]);
  });

  it('begins anew where the storage knows no ranges', async () => {
    hub.faults.breakAfter = { bytes: 900, times: 1 };
    hub.faults.noRanges = true;
    await load();
    expect(transfers()).toHaveLength(2);
  });

  it('two at a time do not disturb each other', async () => {
    hub.faults.breakAfter = { bytes: 500, times: 4 };
    await Promise.all([load(), load(), load()]);
    expect((await blobs()).filter((name) => name.includes('minigpt'))).toEqual([]);
  });

  it('waits where the hub is busy', async () => {
    hub.faults.busy = 2;
    await load();
  });

  it('comes from a mirror that has no listing', async () => {
    hub.faults.noApi = true;
    await load();
    expect(hub.requests).toContain(`HEAD /org/model/resolve/${hub.commit}/${WEIGHTS}`);
    hub.requests.length = 0;
    await load();
    expect(transfers()).toEqual([]);
  });

  it('is looked at by range requests, without being downloaded', async () => {
    const { weights } = await openPath('org/model', {
      hub: { endpoint: hub.endpoint, cacheDir },
      remote: true,
    });
    expect((await weights.read('model.norm.weight')).shape).toEqual([8]);
    await weights.close();
    expect(transfers().every((request) => /bytes=\d+-\d+$/.test(request))).toBe(true);
    expect((await blobs()).filter((name) => name.length === 64)).toEqual([]);
  });

  it('a folder of that name comes first; a path is never looked for on the hub', async () => {
    await mkdir(join(home, 'org'));
    for (const path of [join(home, 'org', 'model'), './org/model', 'a/b/c/../d', 'model']) {
      await expect(load(path)).rejects.toThrow('nothing is at');
    }
    expect(hub.requests).toEqual([]);
  });
});

describe('access', () => {
  it('the token goes to the hub and not to the storage that it redirects to', async () => {
    hub.token = 'hf_secret';
    await load('org/model', { hub: { token: 'hf_secret' } });
    expect(hub.leaked).toEqual([]);
  });

  it.each([
    ['private', false, undefined, /no model org\/model, or it is private.*HF_TOKEN/],
    ['gated', true, undefined, /granted access.*HF_TOKEN/],
    ['another token', true, 'hf_other', /granted access.*the account of the given token was not/],
  ])('is refused in a sentence: %s', async (_, gated, token, message) => {
    hub.token = 'hf_secret';
    hub.gated = gated;
    const failure = await load('org/model', { hub: { token } }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(HubError);
    expect(failure).toMatchObject({ fault: 'access', status: 401 });
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).not.toMatch(/hf_/);
  });
});

describe('what goes wrong is said in a sentence', () => {
  it.each([
    ['an unknown model', 'org/other', 'not found', /no model org\/other/],
    ['an unknown revision', 'org/model@v9', 'not found', /no revision "v9"/],
    ['an unknown file', 'org/model/x.gguf', 'not found', /no file x.gguf/],
  ])('%s', async (_, name, fault, message) => {
    const failure = await load(name).catch((error: unknown) => error);
    expect(failure).toMatchObject({ constructor: HubError, fault });
    expect((failure as Error).message).toMatch(message);
  });

  it('damage on the way: nothing of it is kept', async () => {
    hub.faults.corrupt = true;
    await expect(load()).rejects.toMatchObject({ fault: 'checksum' });
    expect((await blobs()).filter((name) => name.length >= 64)).toEqual([]);
    hub.faults.corrupt = false;
    await load();
  });

  it('a connection that never holds: what came is kept', async () => {
    hub.faults.breakAfter = { bytes: 0, times: 99 };
    await expect(load()).rejects.toThrow(/stopped at 0 of \d+ bytes .*the next attempt goes on there/);
  });

  it('a hub that takes no more requests', async () => {
    hub.faults.busy = 99;
    await expect(load()).rejects.toMatchObject({ fault: 'rate limit', status: 429 });
  });

  it('no connection: what was downloaded before is taken, else it says so', async () => {
    const offline = { endpoint: 'http://127.0.0.1:9', cacheDir };
    await expect(load('org/model', { hub: offline })).rejects.toMatchObject({ fault: 'network' });
    await load();
    await load('org/model', { hub: offline });
  });

  it('offline mode: nothing is asked of the hub', async () => {
    await expect(load('org/model', { hub: { offline: true } })).rejects.toMatchObject({ fault: 'offline' });
    expect(hub.requests).toEqual([]);
    await load();
    hub.requests.length = 0;
    await load('org/model', { hub: { offline: true } });
    expect(hub.requests).toEqual([]);
  });

  it('a model that does not fit into memory, before its weights are downloaded', async () => {
    await expect(load('org/model', { maxBytes: 100 })).rejects.toThrow(MemoryLimitError);
    expect(transfers()).toEqual([]);
  });

  it('a cache that cannot be written', async () => {
    await writeFile(join(home, 'file'), '');
    await expect(load('org/model', { hub: { cacheDir: join(home, 'file') } })).rejects.toMatchObject({
      fault: 'disk',
    });
  });
});

describe('the environment', () => {
  it('is that of Hugging Face’s programs', async () => {
    await mkdir(join(home, 'hf'));
    await writeFile(join(home, 'hf', 'token'), 'hf_saved\n');
    expect(await hubEnvironment({ HF_HOME: join(home, 'hf') })).toEqual({
      endpoint: undefined,
      token: 'hf_saved',
      offline: false,
      cacheDir: join(home, 'hf', 'hub'),
    });
    expect(
      await hubEnvironment({
        HF_ENDPOINT: 'http://mirror',
        HF_TOKEN: 'hf_given',
        HF_HUB_OFFLINE: '1',
        HF_HUB_CACHE: '/cache',
        HF_HOME: join(home, 'hf'),
      }),
    ).toEqual({ endpoint: 'http://mirror', token: 'hf_given', offline: true, cacheDir: '/cache' });
  });

  it('is what is taken unless told otherwise', async () => {
    vi.stubEnv('HF_ENDPOINT', hub.endpoint);
    vi.stubEnv('HF_HUB_CACHE', cacheDir);
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    hub.token = 'hf_secret';
    const { model } = await loadPretrained('org/model');
    dispose(model);
    expect(await blobs()).not.toEqual([]);
  });
});

describe('names', () => {
  it.each([
    ['org/name', { repository: 'org/name' }],
    ['org/na.me-1_x@v1.0', { repository: 'org/na.me-1_x', revision: 'v1.0' }],
    ['org/name@refs/pr/1', { repository: 'org/name', revision: 'refs/pr/1' }],
    ['org/name/sub/file.gguf@main', { repository: 'org/name', file: 'sub/file.gguf', revision: 'main' }],
  ])('%s', (text, parsed) => expect(parseHubName(text)).toMatchObject(parsed));

  it.each([
    'name',
    './a/b',
    '/a/b',
    '../a',
    'a/../b',
    'org/name/../x',
    'a//b',
    '~/a',
    'C:\\a\\b',
    'a/b/',
    '',
  ])('%s is none', (text) => expect(parseHubName(text)).toBeUndefined());
});
