import { readFile } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import type { StepEvent } from './events.ts';

it('shows an example that runs as it stands, and learns', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('./readme-example.ts');
  const losses = log.mock.calls.map(([event]) => (event as StepEvent).loss);
  log.mockRestore();
  expect(losses.length).toBe(50);
  expect(losses[49]).toBeLessThan(losses[0] / 2);

  const example = await readFile(new URL('readme-example.ts', import.meta.url), 'utf8');
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
});
