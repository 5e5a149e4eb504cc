import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let copy: string;

/** A workspace whose layers are a copy and whose other packages are the real ones. */
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'minigpt-new-layer-'));
  mkdirSync(join(copy, 'packages'));
  for (const file of [
    'biome.json',
    'tsconfig.base.json',
    'tsconfig.json',
    'source-aliases.ts',
    'vitest.shared.ts',
    'package.json',
  ]) {
    cpSync(join(root, file), join(copy, file));
  }
  cpSync(join(root, 'scripts'), join(copy, 'scripts'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const folder of readdirSync(join(root, 'packages'))) {
    const [from, to] = [join(root, 'packages', folder), join(copy, 'packages', folder)];
    if (folder !== 'layers') {
      symlinkSync(from, to);
      continue;
    }
    cpSync(from, to, { recursive: true, filter: (path) => !/node_modules|dist$|\.turbo$/.test(path) });
    symlinkSync(join(from, 'node_modules'), join(to, 'node_modules'));
  }
});

afterAll(() => rmSync(copy, { recursive: true }));

function run(command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: copy, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

const newLayer = (...args: string[]) => run(process.execPath, 'scripts/new-layer.mjs', ...args);
const tool = (name: string, ...args: string[]) => run(join(root, 'node_modules/.bin', name), ...args);

it('writes a layer that passes types, lint and tests, and exports it', { timeout: 180_000 }, () => {
  expect(newLayer('layer-scale')).toMatchObject({ status: 0 });
  const index = readFileSync(join(copy, 'packages/layers/src/index.ts'), 'utf8');
  expect(index).toContain(`export { LayerScale, type LayerScaleOptions } from './layer-scale.ts';`);
  const written = ['layer-scale.ts', 'layer-scale.test.ts', 'index.ts'].map(
    (file) => `packages/layers/src/${file}`,
  );
  expect(tool('biome', 'check', '--vcs-enabled=false', ...written)).toMatchObject({ status: 0 });
  const project = { extends: './tsconfig.json', include: ['src/layer-scale*.ts'] };
  writeFileSync(join(copy, 'packages/layers/tsconfig.new.json'), JSON.stringify(project));
  expect(tool('tsc', '-p', 'packages/layers/tsconfig.new.json')).toEqual({ status: 0, output: '' });
  const tests = tool('vitest', 'run', '--root', 'packages/layers', 'layer-scale');
  expect(tests.output).toMatch(/Tests .*\d+ passed/);
  expect(tests.status).toBe(0);
});

it.each([
  [[], 'One name is needed, but 0 came'],
  [['a', 'b'], 'One name is needed, but 2 came'],
  [['LayerScale'], `A layer's name is in kebab case, such as layer-scale, but "LayerScale" came.`],
  [['../escape'], `A layer's name is in kebab case`],
  [['linear'], 'packages/layers/src/linear.ts exists already'],
  [['initializer'], '@minigpt/layers exports Initializer already'],
  [['tensor'], 'Tensor is already the name of something else'],
  [['map'], 'Map is already the name of something else'],
  [['--force', 'x'], `Unknown option '--force'`],
])('refuses %j', (args, message) => {
  const before = readdirSync(join(copy, 'packages/layers/src'));
  const { status, output } = newLayer(...args);
  expect(output).toContain(message);
  expect(output.trim().split('\n')).toHaveLength(1);
  expect(status).toBe(1);
  expect(readdirSync(join(copy, 'packages/layers/src'))).toEqual(before);
});

it('explains itself', () => {
  expect(newLayer('--help')).toMatchObject({
    status: 0,
    output: expect.stringContaining('pnpm new:layer NAME'),
  });
});
