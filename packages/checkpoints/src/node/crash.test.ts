import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exampleCheckpoint } from './testing/example.ts';

/** What befalls the `at`-th change of the file system. */
interface Fault {
  readonly at: number;
  /** Stop for ever, as a killed process does, or fail as a full disk does. */
  readonly kind: 'kill' | 'fail';
  readonly strike: () => void;
}

const disk = vi.hoisted(() => ({
  changes: 0,
  fault: undefined as Fault | undefined,
  handles: [] as { close(): Promise<void> }[],
}));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const step = async () => {
    const { fault } = disk;
    if (disk.changes++ !== fault?.at) return;
    fault.strike();
    if (fault.kind === 'kill') await new Promise(() => {});
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: 'write' });
  };
  const counted =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args) => {
      await step();
      return call(...args);
    };
  return {
    ...real,
    mkdir: counted(real.mkdir),
    rename: counted(real.rename),
    rm: counted(real.rm),
    open: async (path: string, flags: string) => {
      if (flags !== 'r') await step();
      const handle = await real.open(path, flags);
      handle.sync = counted(handle.sync.bind(handle));
      disk.handles.push(handle);
      return handle;
    },
    /** Half of the bytes are on the disk when the fault strikes. */
    writeFile: async (file: Parameters<typeof real.writeFile>[0], pieces: Uint8Array[]) => {
      const bytes = Buffer.concat(pieces);
      await real.writeFile(file, bytes.subarray(0, bytes.length / 2));
      await step();
      await real.writeFile(file, bytes.subarray(bytes.length / 2));
    },
  };
});

/** The package as a new process sees it: nothing is known of the saves before, and what a killed one held is closed. */
async function newProcess() {
  disk.fault = undefined;
  for (const handle of disk.handles.splice(0)) await handle.close();
  vi.resetModules();
  return import('../node.ts');
}

let home: string;
let dir: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  dir = join(home, 'run');
});
afterEach(() => rm(home, { recursive: true }));

/** Saves step 1, then step 2 with a fault; a process started later must find one of them whole. */
async function saveWithFault(at: number, kind: Fault['kind']): Promise<number> {
  const first = await newProcess();
  await first.saveCheckpoint(dir, exampleCheckpoint(1));
  disk.changes = 0;
  await new Promise<void>((resolve) => {
    disk.fault = { at, kind, strike: kind === 'kill' ? resolve : () => {} };
    const saving = first.saveCheckpoint(dir, exampleCheckpoint(2));
    if (kind === 'fail') {
      const outcome = expect(saving, `change ${at}`).rejects.toMatchObject({ code: 'ENOSPC', path: dir });
      outcome.then(resolve, resolve);
    }
  });
  const second = await newProcess();
  const found = await second.loadCheckpoint(dir);
  const step = found.config.step as number;
  expect(found, `after change ${at}`).toEqual(exampleCheckpoint(step));

  await second.saveCheckpoint(dir, exampleCheckpoint(3));
  expect(await second.loadCheckpoint(dir)).toEqual(exampleCheckpoint(3));
  expect(await readdir(home), `after change ${at}`).toEqual(['run']);
  return step;
}

async function countChanges(): Promise<number> {
  const { saveCheckpoint } = await newProcess();
  await saveCheckpoint(dir, exampleCheckpoint(1));
  disk.changes = 0;
  await saveCheckpoint(dir, exampleCheckpoint(2));
  return disk.changes;
}

describe('a save that stops halfway leaves one whole checkpoint, and the next save tidies up', () => {
  it.each(['kill', 'fail'] as const)('at each change of the file system: %s', async (kind) => {
    const changes = await countChanges();
    expect(changes).toBeGreaterThan(20);
    const found: number[] = [];
    for (let at = 0; at < changes; at++) found.push(await saveWithFault(at, kind));
    // The earlier one up to a point, the new one from there on.
    expect(found).toEqual([...found].sort());
    expect(new Set(found)).toEqual(new Set([1, 2]));
  });
});
