import { readFile } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';

export interface ReadmeExample {
  /** The test file's `import.meta.url`; it lies in `src`, beside `readme-example.ts`. */
  readonly testFile: string;
  /** `() => import('./readme-example.ts')` */
  readonly run: () => Promise<unknown>;
  /** Looks at what the example gave to `console.log`, call by call. */
  readonly check: (logged: readonly (readonly unknown[])[]) => void;
}

/**
 * Runs a package's `src/readme-example.ts` and expects it to be, to the letter, the first TypeScript snippet of the README
 * and at most ten lines long.
 */
export function testReadme({ testFile, run, check }: ReadmeExample): void {
  it('the README shows an example that runs as it stands', async () => {
    const example = await readFile(new URL('readme-example.ts', testFile), 'utf8');
    const readme = await readFile(new URL('../README.md', testFile), 'utf8');
    expect(readme.match(/```ts\n(.*?)```/s)?.[1]).toBe(example);
    expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(10);

    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    try {
      await run();
      check(log.mock.calls);
    } finally {
      log.mockRestore();
    }
  });
}
