import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testReadme } from '@minigpt/testing/readme';
import { expect, vi } from 'vitest';

testReadme({
  testFile: import.meta.url,
  run: async () => {
    const home = await mkdtemp(join(tmpdir(), 'checkpoints-'));
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(home); // `out` is made here, not in the repository
    try {
      await import('./readme-example.ts');
      expect(await readdir(join(home, 'out', 'bigram'))).toContain('model.safetensors');
    } finally {
      cwd.mockRestore();
      await rm(home, { recursive: true });
    }
  },
  check: (logged) => expect(logged).toEqual([[65]]),
});
