/**
 * How many draw calls (WebGL) or dispatches (WebGPU) one training step takes, clipping and AdamW included, with our kernels and
 * on tfjs as it comes: of nano, nanoGPT's CPU recipe (4 layers, 4 heads, width 128, context 64, batch 12, vocabulary 65), or of
 * small (6 layers, 6 heads, width 384, context 256, batch 8). A smaller batch takes less time and as many passes, but for those
 * that tfjs splits large sums into.
 *
 *   pnpm --filter @minigpt/benchmarks passes [--config nano] [--backends webgl,webgpu] [--steps 3]
 *     [--batch-size 12] [--length 64]
 *
 * Runs in headless Chromium (`apt-get install chromium`), which computes both in software where there is no graphics card:
 * the milliseconds are those of the processor then.
 */
import { serveInChromium } from '../chromium.shared.ts';
import { oneOf, positiveInteger, readFlags } from './flags.ts';
import type { Measured, MeasureOptions } from './passes/page.ts';

const { values: flags } = readFlags(import.meta.url, {
  options: {
    backends: { type: 'string', default: 'webgl,webgpu' },
    steps: { type: 'string', default: '3' },
    config: { type: 'string', default: 'nano' },
    'batch-size': { type: 'string', default: '12' },
    length: { type: 'string', default: '64' },
  },
});
const config = oneOf('config', flags.config, ['nano', 'small']);
const steps = positiveInteger('steps', flags.steps);
const batchSize = positiveInteger('batch-size', flags['batch-size']);
const length = positiveInteger('length', flags.length);
const backends = flags.backends.split(',').map((name) => oneOf('backends', name, ['webgl', 'webgpu']));

const pages = await serveInChromium(new URL('passes/page.ts', import.meta.url));

async function measure(backend: MeasureOptions['backend'], plain: boolean): Promise<Measured> {
  const page = await pages.open();
  if (process.env.DEBUG) page.on('console', (message) => console.error(message.text()));
  const options = {
    config,
    backend,
    plain,
    steps,
    batchSize,
    length,
  } satisfies MeasureOptions;
  const measured = await page.evaluate<Measured>(`measure(${JSON.stringify(options)})`);
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
  await pages.close();
}
