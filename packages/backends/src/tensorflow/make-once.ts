import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Makes a folder whole or not at all: `fill` works in a folder beside it that is renamed when done, or removed.
 * Where the folder exists nothing is done; where another process is faster, its folder is kept.
 */
export async function makeOnce(folder: string, fill: (partial: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  await removeAbandoned(folder);
  const partial = `${folder}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    await fill(partial);
    if (!existsSync(folder)) await rename(partial, folder);
  } finally {
    // A program that was ended may have left one that still writes.
    await rm(partial, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Removes what processes left that were killed while they filled this folder. */
async function removeAbandoned(folder: string): Promise<void> {
  const parent = dirname(folder);
  if (!existsSync(parent)) return;
  const prefix = `${basename(folder)}.partial-`;
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix) && !isRunning(Number(name.slice(prefix.length)))) {
      await rm(join(parent, name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
