import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { circles, packageProblems } from './package-rules.mjs';

const goodManifest = {
  name: '@minigpt/layers',
  version: '0.0.0',
  description: 'layers',
  license: 'MIT',
  type: 'module',
  sideEffects: false,
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  files: ['dist'],
  engines: { node: '>=20' },
  publishConfig: { access: 'public' },
  scripts: { build: 'tsup', typecheck: 'tsc -p .', lint: 'biome check .', test: 'vitest run' },
  dependencies: { '@minigpt/core': 'workspace:^' } as Record<string, string>,
  peerDependencies: { '@tensorflow/tfjs-core': '^4.22.0' },
};

describe('package rules', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'minigpt-package-'));
    for (const file of ['README.md', 'package.json', 'tsconfig.json', 'tsconfig.build.json']) write(file, '');
    write('vitest.config.ts', '');
    write('tsup.config.ts', 'export default packageBuild();');
    write('src/index.ts', `export { Module } from '@minigpt/core';\nimport '@tensorflow/tfjs-core';`);
    write(
      'src/linear.test.ts',
      `import { testLayer } from '@minigpt/testing';\nimport { it } from 'vitest';`,
    );
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  function write(path: string, text: string): void {
    mkdirSync(join(directory, dirname(path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }

  const problems = (manifest: object = {}) =>
    packageProblems({ folder: 'layers', directory, manifest: { ...goodManifest, ...manifest } });

  it('has nothing to say about a package that keeps them', () => {
    expect(problems()).toEqual([]);
  });

  it('names missing files and fields', () => {
    rmSync(join(directory, 'README.md'));
    rmSync(join(directory, 'src/linear.test.ts'));
    expect(problems({ sideEffects: undefined, type: 'commonjs' })).toEqual([
      'README.md is missing.',
      'src has no test (*.test.ts).',
      'package.json: type must be "module".',
      'package.json: sideEffects must be stated.',
    ]);
  });

  it('refuses an import against the arrows, also one of types and one through other files', () => {
    write('src/index.ts', `export * from './a.ts';`);
    write('src/a.ts', `import type { GPT } from '@minigpt/models';\nawait import('@minigpt/training');`);
    const dependencies = { '@minigpt/models': 'workspace:^', '@minigpt/training': 'workspace:^' };
    expect(problems({ dependencies })).toEqual([
      'src/a.ts: @minigpt/models is against the arrows; layers may import core, ops.',
      'src/a.ts: @minigpt/training is against the arrows; layers may import core, ops.',
    ]);
  });

  it('refuses what is not declared, and in what ships also what is declared for development only', () => {
    write('src/index.ts', `import { ops } from '@minigpt/ops';\nimport pc from 'picocolors';`);
    write(
      'src/linear.test.ts',
      `import fc from 'fast-check';\nimport { GPT } from '@minigpt/models';\nimport pc from 'yoctocolors';`,
    );
    const devDependencies = { picocolors: '^1.1.1', 'fast-check': '^4.0.0' };
    expect(problems({ dependencies: {}, devDependencies })).toEqual([
      'src/index.ts: @minigpt/ops ships but is in neither dependencies nor peerDependencies.',
      'src/index.ts: picocolors ships but is in neither dependencies nor peerDependencies.',
      'src/linear.test.ts: yoctocolors is imported but not declared in package.json.',
    ]);
  });

  it('refuses a dependency on one of ours that nothing uses', () => {
    const dependencies = { '@minigpt/core': 'workspace:^', '@minigpt/ops': 'workspace:^' };
    expect(problems({ dependencies })).toEqual([
      'package.json: @minigpt/ops is among the dependencies, but nothing that ships imports it.',
    ]);
  });

  it("keeps tfjs a peer and Node's modules out of the main entry", () => {
    write('src/index.ts', `export * from './file.ts';`);
    write('src/file.ts', `import { readFile } from 'node:fs/promises';`);
    const dependencies = { '@tensorflow/tfjs-core': '4.22.0' };
    expect(problems({ dependencies })).toEqual([
      'package.json: @tensorflow/tfjs-core must be a peer dependency: two copies are two engines.',
      'src/file.ts: node:fs/promises is reached from src/index.ts, which browsers load.',
    ]);
  });

  it('finds a circle of declared dependencies', () => {
    const pkg = (name: string, dependency: string) => ({
      folder: name,
      directory,
      manifest: { name, version: '0.0.0', devDependencies: { [dependency]: 'workspace:^' } },
    });
    expect(circles([pkg('a', 'b'), pkg('b', 'c'), pkg('c', 'b')])).toEqual([
      'b → c → b is a circle of dependencies.',
    ]);
  });
});
