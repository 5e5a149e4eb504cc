import { expect, it } from 'vitest';
import { runExample } from '../../scripts/lib/run-example.ts';

it('examples/node learns from a text and writes', async () => {
  const { lines, losses } = await runExample('node', 150);
  expect(lines[0]).toMatch(/^wasm: WebAssembly/);
  expect(losses).toHaveLength(3);
  expect(losses.at(-1)).toBeLessThan(1);
  expect(lines.slice(4).join('\n').length).toBeGreaterThan(190); // what it wrote
}, 180_000);
