import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumFlags, chromiumPath } from '../../../vitest.shared.ts';

const installed = existsSync(chromiumPath);
const enabling = installed ? '' : ' (needs Chromium: apt-get install chromium)';
const root = fileURLToPath(new URL('..', import.meta.url));

describe.skipIf(!installed)(`the browser example${enabling}`, () => {
  let server: ViteDevServer;
  let browser: Browser;

  beforeAll(async () => {
    server = await createServer({
      root,
      configFile: `${root}/vite.config.ts`,
      logLevel: 'error',
      server: { host: 'localhost', port: 0, hmr: false, watch: null },
    });
    await server.listen();
    browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumFlags });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  // Not by animation frames, which a busy software renderer holds up.
  const patient = { timeout: 200_000, polling: 100 };
  const status = (page: Page) => page.locator('#status').textContent();
  const lossAt = async (page: Page) => Number(/loss (\d+\.\d+)/.exec((await status(page)) ?? '')?.[1]);
  /** Waits until the run has come so far, and no longer than until the page warns. */
  async function reachStep(page: Page, least: number): Promise<void> {
    const waited = page.waitForFunction(
      (step) =>
        !document.querySelector<HTMLElement>('#warning')!.hidden ||
        Number(/step (\d+)/.exec(document.querySelector('#status')!.textContent!)?.[1]) >= step,
      least,
      patient,
    );
    await waited.catch(async (cause) => {
      throw new Error(`Step ${least} does not come; the page says "${await status(page)}".`, { cause });
    });
    expect(await page.locator('#warning').textContent()).toBe('');
  }

  it.each([
    ['webgl', 'WebGL 2', 8, 3],
    ['wasm', 'WebAssembly', 60, 60],
  ])(
    'trains on %s, draws the loss and completes, while the page stays responsive',
    async (name, said, steps, characters) => {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', ({ message }) => errors.push(message));
      await page.goto(server.resolvedUrls!.local[0]);
      await page.selectOption('select', name);
      await page.click('text=Train');
      await reachStep(page, 1);
      expect(await status(page)).toContain(said);
      const first = await lossAt(page);

      // How late a timer of the page is: what waits for its turn while the worker trains.
      await page.evaluate(() => {
        const own = globalThis as { delays?: number[] };
        own.delays = [];
        let last = performance.now();
        setInterval(() => {
          const now = performance.now();
          own.delays!.push(now - last - 20);
          last = now;
        }, 20);
      });
      await reachStep(page, steps);
      expect(await lossAt(page)).toBeLessThan(first - 0.2);

      await page.click('text=Complete');
      await page.waitForFunction(
        (least) => document.querySelector('#text')!.textContent!.length >= least,
        'Call me '.length + characters,
        patient,
      );
      expect(await page.locator('#text').textContent()).toMatch(/^Call me /);
      const delays = await page.evaluate(() => (globalThis as { delays?: number[] }).delays!);
      expect(delays.sort((a, b) => a - b)[Math.floor(delays.length / 2)]).toBeLessThan(100); // ms, the median

      const painted = await page.evaluate(() => {
        const canvas = document.querySelector('canvas')!;
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        // The curve's colour, #c60.
        return data.some(
          (red, i) => i % 4 === 0 && red === 0xcc && data[i + 1] === 0x66 && data[i + 2] === 0,
        );
      });
      expect(painted, 'the loss curve').toBe(true);
      if (process.env.SCREENSHOTS) {
        mkdirSync(process.env.SCREENSHOTS, { recursive: true });
        await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
      }

      await page.click('text=Stop');
      await page.waitForFunction(
        () => !document.querySelector<HTMLButtonElement>('#run button')!.disabled,
        undefined,
        patient,
      );
      expect(await page.locator('#warning').textContent()).toBe('');
      expect(errors).toEqual([]);
      await page.close();
    },
    400_000,
  );

  it('says what it cannot read', async () => {
    const page = await browser.newPage();
    await page.goto(server.resolvedUrls!.local[0]);
    await page.selectOption('select', 'wasm');
    await page.click('text=Train');
    await reachStep(page, 1);
    await page.fill('textarea', 'naïve');
    await page.click('text=Complete');
    await page.waitForFunction(
      () => !document.querySelector<HTMLElement>('#warning')!.hidden,
      undefined,
      patient,
    );
    expect(await page.locator('#warning').textContent()).toMatch(/no token for "ï"/);
    await page.close();
  }, 200_000);
});
