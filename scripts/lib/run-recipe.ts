import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../recipe.mjs', import.meta.url));

export interface RecipeRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The page that it wrote, if it did. */
  readonly page: string | undefined;
  /** What it checked. */
  readonly numbers: readonly { readonly what: string; readonly value: number; readonly holds: boolean }[];
}

/** Runs a recipe as `pnpm recipe NAME ARGS` does, with its page in a folder of its own. For tests. */
export async function runRecipe(name: string, args: readonly string[]): Promise<RecipeRun> {
  const out = mkdtempSync(join(tmpdir(), `minigpt-recipe-${name}-`));
  const read = (file: string) =>
    existsSync(join(out, file)) ? readFileSync(join(out, file), 'utf8') : undefined;
  const command = [launcher, name, '--out', out, ...args];
  try {
    const ended = await new Promise<Pick<RecipeRun, 'code' | 'stdout' | 'stderr'>>((resolve) => {
      const child = execFile(process.execPath, command, { maxBuffer: 2 ** 26 }, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      );
    });
    return { ...ended, page: read('index.html'), numbers: JSON.parse(read('numbers.json') ?? '[]') };
  } finally {
    rmSync(out, { recursive: true });
  }
}
