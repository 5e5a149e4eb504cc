import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointError, CheckpointWriteError, ForeignFolderError } from '../errors.ts';
import { loadCheckpoint } from './load-checkpoint.ts';
import { saveCheckpoint } from './save-checkpoint.ts';
import { exampleCheckpoint } from './testing/example.ts';

let home: string;
let dir: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  dir = join(home, 'out', 'run');
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe('saveCheckpoint', () => {
  it('writes a folder that reads back equal, and replaces it', async () => {
    for (const step of [1, 2]) {
      await saveCheckpoint(dir, exampleCheckpoint(step));
      expect(await loadCheckpoint(dir)).toEqual(exampleCheckpoint(step));
      expect((await readdir(dir)).sort()).toEqual([
        'config.json',
        'model.safetensors',
        'optimizer.safetensors',
        'tokenizer.json',
        'training.json',
      ]);
      expect(await readdir(join(home, 'out'))).toEqual(['run']);
    }
  });

  it('leaves out what it is not given, also where the one before had it', async () => {
    const { config, weights } = exampleCheckpoint(2);
    await saveCheckpoint(dir, exampleCheckpoint(1));
    await saveCheckpoint(dir, { config, weights });
    expect(await loadCheckpoint(dir)).toEqual({ config, weights });
    expect((await readdir(dir)).sort()).toEqual(['config.json', 'model.safetensors', 'training.json']);
  });

  it('keeps other files and folders in it', async () => {
    await saveCheckpoint(dir, exampleCheckpoint(1));
    await mkdir(join(dir, 'charts'));
    await writeFile(join(dir, 'charts', 'loss.svg'), '<svg/>');
    await writeFile(join(dir, 'metrics.jsonl'), '{}');
    await saveCheckpoint(dir, exampleCheckpoint(2));
    expect(await loadCheckpoint(dir)).toEqual(exampleCheckpoint(2));
    expect(await readFile(join(dir, 'charts', 'loss.svg'), 'utf8')).toBe('<svg/>');
    expect(await readFile(join(dir, 'metrics.jsonl'), 'utf8')).toBe('{}');
  });

  it('uses an empty folder that is there', async () => {
    await mkdir(dir, { recursive: true });
    await saveCheckpoint(dir, exampleCheckpoint(1));
    expect(await loadCheckpoint(dir)).toEqual(exampleCheckpoint(1));
  });

  it('replaces the folder that a link points to, and loads through the link', async () => {
    await mkdir(join(home, 'far'));
    const link = join(home, 'link');
    await symlink(join('far', 'run'), link);
    for (const step of [1, 2]) {
      await saveCheckpoint(link, exampleCheckpoint(step));
      expect(await loadCheckpoint(link)).toEqual(exampleCheckpoint(step));
      expect(await readdir(join(home, 'far'))).toEqual(['run']);
    }
  });

  it.each(['folder', 'file'])('does not replace a %s that is not its own', async (kind) => {
    const foreign = kind === 'folder' ? join(dir, 'thesis.txt') : dir;
    await mkdir(join(foreign, '..'), { recursive: true });
    await writeFile(foreign, 'years of work');
    await expect(saveCheckpoint(dir, exampleCheckpoint(1))).rejects.toThrow(ForeignFolderError);
    expect(await readFile(foreign, 'utf8')).toBe('years of work');
    expect(await readdir(join(home, 'out'))).toEqual(['run']);
  });

  it('does not replace a model folder of another program', async () => {
    await saveCheckpoint(dir, exampleCheckpoint(1));
    await rm(join(dir, 'training.json'));
    await expect(saveCheckpoint(dir, exampleCheckpoint(2))).rejects.toThrow(ForeignFolderError);
    expect((await loadCheckpoint(dir)).config.step).toBe(1);
  });

  it('refuses state that JSON would change, and writes nothing', async () => {
    const checkpoint = { ...exampleCheckpoint(1), training: { best: Number.POSITIVE_INFINITY } };
    await expect(saveCheckpoint(dir, checkpoint)).rejects.toThrow(CheckpointError);
    await expect(saveCheckpoint(dir, checkpoint)).rejects.toThrow('"best" is Infinity');
    expect(await readdir(home)).toEqual([]);
  });

  it('says what is wrong with a path below a file', async () => {
    await writeFile(join(home, 'out'), '');
    const saving = saveCheckpoint(dir, exampleCheckpoint(1));
    await expect(saving).rejects.toThrow(CheckpointWriteError);
    await expect(saving).rejects.toThrow(`could not be saved to ${dir}: a part of the path is a file`);
  });

  it('removes what dead runs left and leaves alone what live ones use', async () => {
    const out = join(home, 'out');
    const dead = spawnSync(process.execPath, ['--version']).pid;
    await saveCheckpoint(dir, exampleCheckpoint(1));
    for (const pid of [dead, process.pid, process.ppid]) {
      await mkdir(join(out, `.run.saving-${pid}-00000000`));
      await mkdir(join(out, `.run.previous-${pid}-00000000`));
    }
    await writeFile(join(out, `.run.previous-${dead}-00000000`, 'notes.txt'), 'kept');
    await mkdir(join(out, '.run.saving-mine'));
    await saveCheckpoint(dir, exampleCheckpoint(2));
    expect((await readdir(out)).sort()).toEqual([
      `.run.previous-${process.ppid}-00000000`,
      `.run.saving-${process.ppid}-00000000`,
      '.run.saving-mine',
      'run',
    ]);
    expect(await readFile(join(dir, 'notes.txt'), 'utf8')).toBe('kept');
  });
});

const workspace = fileURLToPath(new URL('../../../..', import.meta.url));
const saveForever = fileURLToPath(new URL('testing/save-forever.ts', import.meta.url));
const nodeArguments = (...args: (string | number)[]) => ['--import', 'tsx', saveForever, ...args.map(String)];

/** Starts saving in another process; `lastSaved` is what it has reported so far. */
function startSaving(first: number, floats: number) {
  const child: ChildProcess = spawn(process.execPath, nodeArguments(dir, first, floats), {
    cwd: workspace,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let lastSaved = first - 1;
  const saved = new Promise<void>((resolve) => {
    child.stdout?.on('data', (text: Buffer) => {
      lastSaved = Number(text.toString().trim().split('\n').at(-1));
      resolve();
    });
  });
  return { child, saved, lastSaved: () => lastSaved };
}

describe('other processes', () => {
  it('killed at any moment, leave the last checkpoint they reported or the one after', async () => {
    const floats = 20_000;
    let step = 1;
    for (const delay of [0, 3, 7, 12, 20]) {
      const { child, saved, lastSaved } = startSaving(step, floats);
      await saved;
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await once(child, 'close');
      const found = await loadCheckpoint(dir);
      step = found.config.step as number;
      expect(step - lastSaved()).toBeOneOf([0, 1]);
      expect(found).toEqual(exampleCheckpoint(step, floats));
      step++;
    }
    await saveCheckpoint(dir, exampleCheckpoint(step));
    expect(await readdir(join(home, 'out'))).toEqual(['run']);
  }, 60_000);

  it('may save while it is being read: what is read is one whole checkpoint', async () => {
    const floats = 4_000;
    const { child, saved } = startSaving(1, floats);
    const steps = new Set<unknown>();
    try {
      await saved;
      for (let reads = 0; reads < 15; reads++) {
        const found = await loadCheckpoint(dir);
        const step = found.config.step as number;
        expect(found).toEqual(exampleCheckpoint(step, floats));
        steps.add(step);
      }
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    expect(steps.size).toBeGreaterThan(1);
  }, 60_000);

  it.skipIf(process.platform === 'win32')(
    'that may not write large files keep the last good one (POSIX)',
    async () => {
      await saveCheckpoint(dir, exampleCheckpoint(1));
      const command = [
        'ulimit -f 8 && exec "$0" "$@"',
        process.execPath,
        ...nodeArguments(dir, 2, 100_000, 1),
      ];
      const { status, stderr } = spawnSync('sh', ['-c', ...command], { cwd: workspace, encoding: 'utf8' });
      expect(stderr).toContain('CheckpointWriteError: The checkpoint could not be saved');
      expect(stderr).toContain('a file would be larger than the system allows (EFBIG)');
      expect(status).toBe(1);
      expect(await loadCheckpoint(dir)).toEqual(exampleCheckpoint(1));
      expect(await readdir(join(home, 'out'))).toEqual(['run']);
    },
    60_000,
  );

  const mountable = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', tmpdir()]).status === 0;
  it.skipIf(!mountable)(
    'on a full disk keep the last good one (needs `unshare` and `mount`)',
    async () => {
      const script = [
        'mount -t tmpfs -o size=256k none "$1"',
        'shift',
        '"$@" 1 100 1', // fits
        '"$@" 2 100000 1; echo "status $?"', // does not
        'ls -A "$MOUNT/out"; grep step "$MOUNT/out/run/config.json"',
      ].join('\n');
      const command = ['-rm', 'sh', '-c', script, 'sh', home, process.execPath, ...nodeArguments(dir)];
      const { stdout, stderr } = spawnSync('unshare', command, {
        cwd: workspace,
        encoding: 'utf8',
        env: { ...process.env, MOUNT: home },
      });
      expect(stderr).toContain('the disk is full (ENOSPC)');
      expect(stdout.split('\n').map((line) => line.trim())).toEqual([
        '1',
        'status 1',
        'run',
        '"step": 1',
        '',
      ]);
    },
    60_000,
  );
});
