import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NEEDS_CHROMIUM, serveInChromium } from '../../../../chromium.shared.ts';
import { chromiumPath } from '../../../../vitest.shared.ts';

interface Computed {
  readonly description: string;
  readonly isolated: boolean;
  readonly digest: string;
}

/** What a page computes that is cross-origin isolated or not, with each number of threads in a visit of its own. */
async function computeIn(isolated: boolean, threads: readonly number[]): Promise<Computed[]> {
  const pages = await serveInChromium(new URL('testing/threads-page.ts', import.meta.url), { isolated });
  try {
    const computed: Computed[] = [];
    for (const count of threads) {
      const page = await pages.open();
      computed.push(await page.evaluate<Computed>(`compute(${count})`));
      await page.close();
    }
    return computed;
  } finally {
    await pages.close();
  }
}

const installed = existsSync(chromiumPath);

describe.skipIf(!installed)(`threads on a page ${installed ? '' : NEEDS_CHROMIUM}`.trim(), () => {
  it('compute what one computes, bit for bit, where the page is cross-origin isolated', async () => {
    const [three, one] = await computeIn(true, [3, 1]);
    expect(three.isolated).toBe(true);
    expect(three.description).toMatch(/^WebAssembly \((relaxed )?SIMD, 3 threads\)$/);
    expect(one.description).toMatch(/^WebAssembly \((relaxed )?SIMD, 1 thread\)$/);
    expect(three.digest).toBe(one.digest);
  }, 120_000);

  it('are one where it is not, and the description says what they need', async () => {
    const [alone] = await computeIn(false, [3]);
    expect(alone.isolated).toBe(false);
    expect(alone.description).toMatch(/1 thread: more needs a cross-origin isolated page\)$/);
  }, 120_000);
});
