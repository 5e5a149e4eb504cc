import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  statfs,
  symlink,
} from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { writeFailure } from '@minigpt/core';
import { HubError } from '../hub/errors.ts';
import { isInside } from '../hub/hub-name.ts';
import type { CreateHash, HubBlob, HubStore, PartialBlob } from '../hub/hub-store.ts';
import { openFile } from '../source/file-source.ts';
import { statIfThere, unlessMissing } from './folder.ts';
import { isRunning } from './process.ts';

/*
 * Hugging Face's own cache, so that what Python downloaded is there and the other way round
 * (https://huggingface.co/docs/huggingface_hub/guides/manage-cache):
 *
 *   models--ORG--NAME/refs/main                    the commit that `main` was
 *   models--ORG--NAME/blobs/ID                     the contents, by their hash
 *   models--ORG--NAME/snapshots/COMMIT/config.json -> ../../blobs/ID
 *
 * A blob that is not whole is `blobs/ID.minigpt-PID-RANDOM`: whoever goes on with it renames it first, so that no two
 * processes append to one.
 */

/** The hub's cache in the folder `dir`. */
export function hubCache(dir: string): HubStore {
  const folderOf = (repository: string) => join(dir, `models--${repository.replace('/', '--')}`);
  const snapshot = (repository: string, commit: string, file: string) => {
    if (isInside(commit) && isInside(file)) return join(folderOf(repository), 'snapshots', commit, file);
    throw new HubError(
      repository,
      'answer',
      `The hub names a file outside its folder: ${JSON.stringify(file)}.`,
    );
  };
  const ref = (repository: string, revision: string) => {
    if (isInside(revision)) return join(folderOf(repository), 'refs', revision);
    throw new HubError(repository, 'not found', `${repository} has no revision ${JSON.stringify(revision)}.`);
  };
  const blobPath = (repository: string, { id }: HubBlob) => join(folderOf(repository), 'blobs', id);

  return {
    async commitOf(repository, revision) {
      const path = ref(repository, revision);
      return (await statIfThere(path)) === undefined ? undefined : (await readFile(path, 'utf8')).trim();
    },
    async setCommit(repository, revision, commit) {
      const path = ref(repository, revision);
      await keeping(repository, dir, async () => {
        await mkdir(dirname(path), { recursive: true });
        const beside = `${path}.${suffix()}`;
        const handle = await open(beside, 'wx');
        await handle.writeFile(commit).finally(() => handle.close());
        await rename(beside, path);
      });
    },
    async list(repository, commit) {
      const folder = dirname(snapshot(repository, commit, 'config.json'));
      if ((await statIfThere(folder)) === undefined) return [];
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
    },
    async open(repository, commit, file) {
      const path = snapshot(repository, commit, file);
      return (await statIfThere(path)) === undefined ? undefined : openFile(path);
    },
    async link(repository, commit, file, blob) {
      const target = blobPath(repository, blob);
      if ((await statIfThere(target))?.size !== BigInt(blob.size)) return false;
      const path = snapshot(repository, commit, file);
      await keeping(repository, dir, async () => {
        await mkdir(dirname(path), { recursive: true });
        await symlink(relative(dirname(path), target), path).catch(async (error: NodeJS.ErrnoException) => {
          if (error.code === 'EPERM') return copyFile(target, path); // Windows, without the right to link
          if (error.code !== 'EEXIST') throw error;
        });
      });
      return true;
    },
    async begin(repository, blob) {
      const target = blobPath(repository, blob);
      return keeping(repository, dir, async () => {
        await mkdir(dirname(target), { recursive: true });
        const path = `${target}.${suffix()}`;
        inUse.add(path);
        await takeOver(target, path);
        const handle = await open(path, 'a+');
        try {
          const { size } = await handle.stat();
          await checkSpace(repository, dir, blob.size - size);
          return partialBlob(repository, path, target, handle, size);
        } catch (error) {
          inUse.delete(path);
          await handle.close();
          throw error;
        }
      });
    },
  };
}

/** Hashes of `node:crypto`. */
export const nodeHash: CreateHash = (algorithm) => {
  const hash = createHash(algorithm);
  return { update: (bytes) => hash.update(bytes), hex: () => hash.digest('hex') };
};

function suffix(): string {
  return `minigpt-${process.pid}-${randomBytes(4).toString('hex')}`;
}

const PARTIAL = /^\.minigpt-(\d+)-[0-9a-f]{8}$/;

/** Goes on with what a process left that ended: the largest, if there are several. */
async function takeOver(target: string, path: string): Promise<void> {
  const folder = dirname(target);
  const name = target.slice(folder.length + 1);
  const left: { readonly path: string; readonly size: number }[] = [];
  for (const entry of await readdir(folder)) {
    const pid = entry.startsWith(name) ? PARTIAL.exec(entry.slice(name.length))?.[1] : undefined;
    if (pid === undefined || inUse.has(join(folder, entry))) continue;
    if (Number(pid) !== process.pid && isRunning(Number(pid))) continue;
    const info = await statIfThere(join(folder, entry));
    if (info !== undefined) left.push({ path: join(folder, entry), size: Number(info.size) });
  }
  left.sort((a, b) => b.size - a.size);
  const [largest, ...others] = left;
  if (largest !== undefined) await unlessMissing(rename(largest.path, path)); // another may have been faster
  for (const other of others) await rm(other.path, { force: true });
}

/** The partial files that this process writes. */
const inUse = new Set<string>();

function partialBlob(
  repository: string,
  path: string,
  target: string,
  handle: FileHandle,
  size: number,
): PartialBlob {
  let bytes = size;
  return {
    get bytes() {
      return bytes;
    },
    async *read() {
      if (bytes > 0) yield* createReadStream(path, { end: bytes - 1, highWaterMark: 2 ** 20 });
    },
    append: (chunk) =>
      keeping(repository, dirname(path), async () => {
        await handle.appendFile(chunk);
        bytes += chunk.length;
      }),
    async clear() {
      await handle.truncate(0);
      bytes = 0;
    },
    finish: () =>
      keeping(repository, dirname(path), async () => {
        await handle.sync();
        await handle.close();
        await rename(path, target);
        inUse.delete(path);
      }),
    async suspend() {
      await handle.close();
      if (bytes === 0) await rm(path, { force: true });
      inUse.delete(path);
    },
  };
}

async function checkSpace(repository: string, dir: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  if (bytes <= free) return;
  throw new HubError(
    repository,
    'disk',
    `The download takes ${mebibytes(bytes)} more, but ${mebibytes(free)} are free in ${dir}; free some space, or set ` +
      'HF_HUB_CACHE to a folder on another disk.',
  );
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')} MiB`;
}

/** Turns what the file system refuses into a HubError. */
async function keeping<T>(repository: string, dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    const reason = writeFailure(cause as NodeJS.ErrnoException);
    const message = `The download of ${repository} cannot be kept in ${dir}: ${reason}; what came so far is kept. Free some space, or set HF_HUB_CACHE to another folder.`;
    throw new HubError(repository, 'disk', message, { cause });
  }
}
