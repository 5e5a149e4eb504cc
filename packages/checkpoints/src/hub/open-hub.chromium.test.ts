import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChromiumPages, NEEDS_CHROMIUM, serveInChromium } from '../../../../chromium.shared.ts';
import { chromiumPath } from '../../../../vitest.shared.ts';
import { type FakeHub, startFakeHub } from './testing/fake-hub.ts';

const CHUNK = 2 ** 23;
const large = new Uint8Array(CHUNK + 1000).map((_, i) => (i * 7 + (i >> 11)) & 255);
const small = new TextEncoder().encode('{"model_type":"gpt2"}');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const installed = existsSync(chromiumPath);

// In Node a cache in memory stands for the browser's (open-hub.test.ts); here it is Chromium's own.
describe.skipIf(!installed)(`openHub in Chromium ${installed ? '' : NEEDS_CHROMIUM}`.trim(), () => {
  let hub: FakeHub;
  let pages: ChromiumPages;

  beforeAll(async () => {
    hub = await startFakeHub(
      new Map([
        ['config.json', small],
        ['model.safetensors', large],
      ]),
    );
    pages = await serveInChromium(new URL('testing/open-hub-page.ts', import.meta.url));
  }, 60_000);

  afterAll(async () => {
    await pages?.close();
    await hub?.close();
  });

  /** On a page of its own: a visit. */
  async function visit(call: 'digestOf' | 'failureOf', file: string, options = {}): Promise<string> {
    const page = await pages.open();
    const given = JSON.stringify({ endpoint: hub.endpoint, ...options });
    const result = await page.evaluate<string>(`${call}(${JSON.stringify(file)}, ${given})`);
    await page.close();
    return result;
  }

  const transfers = () => hub.requests.filter((request) => request.startsWith('GET storage'));

  it('refuses what is gated or damaged, goes on where a transfer broke, tells the hub alone the token', async () => {
    [hub.token, hub.gated, hub.faults.corrupt] = ['hf_test', true, true];
    const { token } = hub;
    expect(await visit('failureOf', 'model.safetensors')).toMatch(/granted access/);
    expect(await visit('failureOf', 'model.safetensors', { token })).toMatch(/SHA-256|damaged|differ/);
    hub.faults.corrupt = false;
    hub.faults.breakAfter = { bytes: 3 * 2 ** 20, times: 1 };
    expect(await visit('digestOf', 'model.safetensors', { token })).toBe(sha256(large));
    expect(hub.leaked).toEqual([]);
  }, 120_000);

  it('keeps what came for the next visit, also offline', async () => {
    [hub.token, hub.gated] = [undefined, false];
    const before = transfers().length;
    expect(await visit('digestOf', 'model.safetensors', { offline: true })).toBe(sha256(large));
    expect(await visit('digestOf', 'model.safetensors')).toBe(sha256(large));
    expect(transfers()).toHaveLength(before);
    expect(await visit('digestOf', 'config.json')).toBe(sha256(small));
    expect(await visit('digestOf', 'missing.json')).toBe('missing');
  }, 120_000);
});
