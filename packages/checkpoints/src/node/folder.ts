import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { lstat, open, readdir, readlink, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FILES, marksCheckpoint } from '../checkpoint.ts';
import { isRunning } from './process.ts';

/*
 * How a checkpoint folder is replaced, whatever happens in between. Saving to `out/ckpt`
 *
 *   1. writes     `out/.ckpt.saving-<pid>-<random>`, `training.json` last, and flushes it to the disk;
 *   2. renames    `out/ckpt` to `out/.ckpt.previous-<pid>-<random>`;
 *   3. renames    the new folder to `out/ckpt`;
 *   4. removes    the previous one.
 *
 * At every moment a whole checkpoint has one of these names: `out/ckpt`, or between 2 and 3 the new and the previous one.
 */

/** A folder beside a checkpoint that a save is using, or that a killed one left behind. */
export interface Sibling {
  readonly path: string;
  readonly role: 'saving' | 'previous';
  /** The process that made it. */
  readonly pid: number;
}

/** The names of the siblings that this process is using. */
const inUse = new Set<string>();

/** A name for a new sibling; it counts as in use until it is released. */
export function claimSibling(target: string, role: Sibling['role']): string {
  const name = `.${basename(target)}.${role}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const path = join(dirname(target), name);
  inUse.add(path);
  return path;
}

export function releaseSibling(path: string): void {
  inUse.delete(path);
}

/** The folder that `path` means: renames must move a linked folder, not the link. */
export async function followLinks(path: string): Promise<string> {
  let folder = resolve(path);
  while ((await unlessMissing(lstat(folder)))?.isSymbolicLink()) {
    folder = resolve(dirname(folder), await readlink(folder));
  }
  return folder;
}

/** The siblings of `target`, whoever made them. */
export async function siblings(target: string): Promise<Sibling[]> {
  const parent = dirname(target);
  const prefix = `.${basename(target)}.`;
  const found: Sibling[] = [];
  for (const name of (await unlessMissing(readdir(parent))) ?? []) {
    if (!name.startsWith(prefix)) continue;
    const match = /^(saving|previous)-(\d+)-[0-9a-f]{8}$/.exec(name.slice(prefix.length));
    if (match === null) continue;
    found.push({ path: join(parent, name), role: match[1] as Sibling['role'], pid: Number(match[2]) });
  }
  return found;
}

/** Whether nobody is working on a sibling any more. */
export function isStale({ path, pid }: Sibling): boolean {
  if (pid === process.pid) return !inUse.has(path); // an earlier process may have had our number
  return !isRunning(pid);
}

/** The checkpoint to go on with, of the siblings of a missing one: the newest that was saved whole, else the one before. */
export async function salvage(candidates: readonly Sibling[]): Promise<string | undefined> {
  let best: { path: string; role: Sibling['role']; time: bigint } | undefined;
  for (const { path, role } of candidates) {
    const time = (await statIfThere(path))?.mtimeNs;
    if (time === undefined || !(await isCheckpoint(path))) continue;
    const better = role === best?.role ? time > best.time : best === undefined || role === 'saving';
    if (better) best = { path, role, time };
  }
  return best?.path;
}

/** Whether a folder is a checkpoint of ours, and whole: its `training.json` is. */
export async function isCheckpoint(folder: string): Promise<boolean> {
  const marker = await readIfThere(join(folder, FILES.training));
  return marker !== undefined && marksCheckpoint(marker);
}

/** A whole file, of any size (`readFile` stops at 2 GiB); undefined where there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  const handle = await unlessMissing(open(path, 'r'));
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const { bytesRead } = await handle.read(bytes, length, Math.min(size - length, MAX_READ), null);
      if (bytesRead === 0) break; // it shrank since
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

const MAX_READ = 2 ** 30;

export function statIfThere(path: string): Promise<BigIntStats | undefined> {
  return unlessMissing(stat(path, { bigint: true }));
}

/** What the file system gives, or undefined where there is no such file. */
export async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Removes a replaced checkpoint, after moving what is not ours in it (a chart, a note) to its successor. */
export async function removeReplaced(previous: string, successor: string): Promise<void> {
  const ours = new Set<string>(Object.values(FILES));
  for (const entry of await readdir(previous)) {
    const moved = join(successor, entry);
    if (ours.has(entry) || (await statIfThere(moved)) !== undefined) continue;
    await rename(join(previous, entry), moved);
  }
  await rm(previous, { recursive: true });
}
