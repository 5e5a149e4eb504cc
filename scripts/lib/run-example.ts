import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export interface ExampleRun {
  readonly lines: readonly string[];
  /** Those that it said on the way. */
  readonly losses: readonly number[];
}

/** Runs `examples/NAME/main.ts` on a text of one sentence over and over, as `pnpm start` there does. For tests. */
export async function runExample(name: string, steps: number): Promise<ExampleRun> {
  const folder = mkdtempSync(join(tmpdir(), `minigpt-example-${name}-`));
  try {
    const text = join(folder, 'text.txt');
    writeFileSync(text, 'The quick brown fox jumps over the lazy dog.\n'.repeat(200));
    const args = ['--import', 'tsx', here(`../../examples/${name}/main.ts`), text, String(steps)];
    const env = { ...process.env, TSX_TSCONFIG_PATH: here('../../tsconfig.json') };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, cwd: here('../..') });
    const losses = [...stdout.matchAll(/^step \d+: loss ([\d.]+)/gm)].map(([, loss]) => Number(loss));
    return { lines: stdout.trimEnd().split('\n'), losses };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
