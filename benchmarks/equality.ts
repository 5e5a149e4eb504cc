/**
 * How far the backends lie apart: every operation and its gradient, every family of models and its training, in Node and in
 * headless Chromium (`apt-get install chromium libvulkan1`), against the cpu backend and against PyTorch. Writes
 * docs/equality.md.
 *
 *   pnpm --filter @minigpt/benchmarks equality [--steps 100] [--node wasm,node,webgpu] [--chromium wasm,webgl,webgpu] [--out FILE]
 *
 * TensorFlow must be linked (`pnpm minigpt tensorflow`). WebGL and WebGPU are computed in software where there is no graphics card,
 * which takes them most of an hour.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type BackendName, backendNames, type StartedBackend, selectBackend } from '@minigpt/backends';
import { readSafetensors } from '@minigpt/checkpoints';
import { serveInChromium } from '../chromium.shared.ts';
import { softwareVulkan } from '../vitest.shared.ts';
import { fixturesFrom, fixtureTensors } from './equality/fixtures.ts';
import { goldenNumbers, type MeasuredBackend, measureBackend } from './equality/measure-backend.ts';
import type { MeasuredInBrowser } from './equality/page.ts';
import { type Column, equalityPage } from './equality/report.ts';
import { oneOf, positiveInteger, readFlags } from './flags.ts';

const { values: flags } = readFlags(import.meta.url, {
  options: {
    steps: { type: 'string', default: '100' },
    node: { type: 'string', default: 'wasm,node,webgpu' },
    chromium: { type: 'string', default: 'wasm,webgl,webgpu' },
    out: { type: 'string', default: fileURLToPath(new URL('../docs/equality.md', import.meta.url)) },
  },
});
const steps = positiveInteger('steps', flags.steps);
const backendsOf = (flag: 'node' | 'chromium') =>
  flags[flag]
    .split(',')
    .filter(Boolean)
    .map((name) => oneOf(flag, name, backendNames));
const [nodeBackends, chromiumBackends] = [backendsOf('node'), backendsOf('chromium')];
const { tensors } = readSafetensors(readFileSync(fixtureTensors));
const fixtures = fixturesFrom(tensors);

async function inNode(backend: BackendName): Promise<MeasuredInBrowser> {
  const { description, version }: StartedBackend = await selectBackend(backend);
  console.error(`${backend} in Node: ${description}`);
  return { description, version, ...(await measureBackend(steps, fixtures)) };
}

async function inChromium(backend: BackendName): Promise<MeasuredInBrowser> {
  const pages = await serveInChromium(new URL('equality/page.ts', import.meta.url));
  try {
    const page = await pages.open();
    console.error(`${backend} in Chromium`);
    return await page.evaluate<MeasuredInBrowser>(`measure('${backend}', ${steps})`);
  } finally {
    await pages.close();
  }
}

async function columnsOf(
  backends: readonly BackendName[],
  runtime: string,
  measure: (backend: BackendName) => Promise<MeasuredInBrowser>,
): Promise<Column[]> {
  const columns: Column[] = [];
  for (const backend of backends)
    columns.push({ title: `\`${backend}\`, ${runtime}`, ...(await measure(backend)) });
  return columns;
}

process.env.VK_ICD_FILENAMES ??= softwareVulkan;
const cpu = await inNode('cpu');
const [node, chromium] = await Promise.all([
  columnsOf(nodeBackends, 'Node', inNode),
  columnsOf(chromiumBackends, 'Chromium', inChromium),
]);
const columns = [...node, ...chromium];

const golden: MeasuredBackend['fixtures'] = Object.fromEntries(
  await Promise.all(
    Object.entries(fixtures).map(
      async ([name, { losses, read }]) => [name, goldenNumbers(await read(), losses)] as const,
    ),
  ),
);
const machine = `${cpus().length} cores of ${cpus()[0].model.trim()}, Node ${process.versions.node}`;
writeFileSync(flags.out, equalityPage({ cpu, columns, golden, steps, machine }));
console.error(`${flags.out} written`);
process.exit(0); // threads of wasm and TensorFlow wait for work
