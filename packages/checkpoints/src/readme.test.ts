import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';

it('shows an example that runs as it stands', async () => {
  const home = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue(home); // `out` is made here, not in the repository
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('./readme-example.ts');
  expect(log.mock.calls).toEqual([[65]]);
  expect(await readdir(join(home, 'out', 'bigram'))).toContain('model.safetensors');
  log.mockRestore();
  cwd.mockRestore();
  await rm(home, { recursive: true });

  const example = await readFile(new URL('readme-example.ts', import.meta.url), 'utf8');
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
});
