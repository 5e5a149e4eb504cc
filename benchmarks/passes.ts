/**
 * How many draw calls (WebGL) or dispatches (WebGPU) one training step of nanoGPT's CPU recipe takes (4 layers, 4 heads,
 * width 128, context 64, batch 12, vocabulary 65, clipping and AdamW included), with our kernels and on tfjs as it comes.
 *
 *   pnpm --filter @minigpt/benchmarks passes [--backends webgl,webgpu] [--steps 3]
 *
 * Runs in headless Chromium (`apt-get install chromium`), which computes both in software where there is no graphics card:
 * the milliseconds are those of the processor then.
 */
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';
import { sourceAliases } from '../source-aliases.ts';
import { chromiumFlags, chromiumPath, serveWasm } from '../vitest.shared.ts';
import { oneOf, positiveInteger, readFlags } from './flags.ts';
import type { Measured } from './passes/page.ts';

const { values: flags } = readFlags(import.meta.url, {
  options: {
    backends: { type: 'string', default: 'webgl,webgpu' },
    steps: { type: 'string', default: '3' },
  },
});
const steps = positiveInteger('steps', flags.steps);
const backends = flags.backends.split(',').map((name) => oneOf('backends', name, ['webgl', 'webgpu']));

const server = await createServer({
  root: fileURLToPath(new URL('passes', import.meta.url)),
  configFile: false,
  logLevel: 'warn',
  cacheDir: fileURLToPath(new URL('node_modules/.vite-passes', import.meta.url)),
  resolve: { alias: sourceAliases },
  plugins: [serveWasm],
  server: { host: 'localhost', hmr: false, watch: null, fs: { strict: false } },
});
await server.listen();
const browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumFlags });

async function measure(backend: string, plain: boolean): Promise<Measured> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(error));
  if (process.env.DEBUG) page.on('console', (m) => console.error(m.text()));
  await page.goto(server.resolvedUrls!.local[0]);
  await page.waitForFunction('"measure" in globalThis');
  const measured = await page.evaluate<Measured>(`measure('${backend}', ${plain}, ${steps})`);
  await page.close();
  return measured;
}

try {
  console.log(
    '| | passes a step, plain tfjs | with our kernels | fewer by | milliseconds, plain tfjs | with our kernels |',
  );
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const backend of backends) {
    const [plain, ours] = [await measure(backend, true), await measure(backend, false)];
    const ratio = `${(plain.passes / ours.passes).toFixed(1)}×`;
    const times = [plain, ours].map(({ millisecondsPerStep }) => Math.round(millisecondsPerStep));
    console.log(`| \`${backend}\` | ${plain.passes} | ${ours.passes} | ${ratio} | ${times.join(' | ')} |`);
    console.error(`losses: ${plain.loss} ${ours.loss}`);
  }
} finally {
  await browser.close();
  await server.close();
}
