import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CheckpointError } from '../errors.ts';
import { openHub } from './open-hub.ts';
import { type FakeHub, startFakeHub } from './testing/fake-hub.ts';

/** The browser's cache, in memory. */
class MemoryCache {
  readonly #entries = new Map<string, Uint8Array<ArrayBuffer>>();

  async match(url: string): Promise<Response | undefined> {
    const bytes = this.#entries.get(url);
    return bytes && new Response(bytes);
  }

  async put(url: string, response: Response): Promise<void> {
    this.#entries.set(url, new Uint8Array(await response.arrayBuffer()));
  }

  async delete(url: string): Promise<boolean> {
    return this.#entries.delete(url);
  }
}

const CHUNK = 2 ** 23;
const large = new Uint8Array(2 * CHUNK + 1000);
for (let i = 0; i < large.length; i++) large[i] = (i * 7 + (i >> 11)) & 255;
const files = new Map<string, Uint8Array>([
  ['config.json', new TextEncoder().encode('{}')],
  ['model.safetensors', large],
]);

let hub: FakeHub;
beforeEach(async () => {
  hub = await startFakeHub(files);
  const cache = new MemoryCache();
  vi.stubGlobal('caches', { open: async () => cache });
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await hub.close();
});

const open = (options = {}) => openHub('org/model', { endpoint: hub.endpoint, ...options });
const transfers = () => hub.requests.filter((request) => request.startsWith('GET storage'));

/** Byte by byte; vitest takes minutes over arrays of this size. */
const isLarge = (bytes: Uint8Array | undefined) => bytes !== undefined && Buffer.from(large).equals(bytes);

async function bytesOf(file: string, options = {}): Promise<Uint8Array | undefined> {
  const source = await (await open(options)).open(file);
  return source?.readAt(0, source.size);
}

it('keeps what was downloaded in the browser’s storage, also offline', async () => {
  expect(isLarge(await bytesOf('model.safetensors'))).toBe(true);
  expect(transfers()).toEqual(['GET storage']);
  const again = await (await open({ offline: true })).open('model.safetensors');
  expect(await again!.readAt(CHUNK - 2, 5)).toEqual(large.subarray(CHUNK - 2, CHUNK + 3));
  expect(transfers()).toHaveLength(1);
  expect(await bytesOf('missing.json')).toBeUndefined();
});

it('goes on with a later visit at the last whole piece', async () => {
  const controller = new AbortController();
  hub.faults.breakAfter = { bytes: CHUNK + 5000, times: 1 };
  const onProgress = ({ loadedBytes }: { loadedBytes: number }) => {
    if (loadedBytes >= CHUNK + 5000) controller.abort(new Error('left'));
  };
  await expect(bytesOf('model.safetensors', { signal: controller.signal, onProgress })).rejects.toThrow(
    'left',
  );
  expect(isLarge(await bytesOf('model.safetensors'))).toBe(true);
  expect(transfers().at(-1)).toBe(`GET storage bytes=${CHUNK}-`);
});

it('refuses what was damaged on the way, and keeps nothing of it', async () => {
  hub.faults.corrupt = true;
  await expect(bytesOf('model.safetensors')).rejects.toMatchObject({ fault: 'checksum' });
  hub.faults.corrupt = false;
  expect(isLarge(await bytesOf('model.safetensors'))).toBe(true);
});

it('says where there is no storage', async () => {
  vi.stubGlobal('caches', undefined);
  await expect(open()).rejects.toThrow(CheckpointError);
  await expect(openHub('model')).rejects.toThrow(/org\/name or org\/name@revision/);
});
