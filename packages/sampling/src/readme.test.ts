import { readFile } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';

it('shows an example that runs as it stands', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('./readme-example.ts');
  expect(log).toHaveBeenCalledTimes(20);
  log.mockRestore();

  const example = await readFile(new URL('readme-example.ts', import.meta.url), 'utf8');
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
});
