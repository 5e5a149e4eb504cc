// The rules that every package under packages/ keeps to; `pnpm check:packages` tells which one is broken where.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { importsOf, packageOf, reachable } from './imports.mjs';

/** @typedef {import('./workspace.mjs').WorkspacePackage} WorkspacePackage */

/**
 * Which of our packages a package may import: the arrows point one way.
 *
 * @type {Record<string, { imports: readonly string[] }>}
 */
const arrows = {
  tokenizers: { imports: [] },
  core: { imports: [] },
  ops: { imports: ['core'] },
  layers: { imports: ['core', 'ops'] },
  models: { imports: ['core', 'ops', 'layers'] },
  data: { imports: ['core', 'tokenizers'] },
  training: { imports: ['core', 'ops'] },
  sampling: { imports: ['core'] },
  checkpoints: { imports: ['core', 'models', 'tokenizers'] },
  inspect: { imports: ['core'] },
  report: { imports: [] },
  backends: { imports: ['core', 'ops'] },
  testing: { imports: ['core', 'ops', 'models', 'backends', 'tokenizers', 'training'] },
  cli: {
    imports: [
      'backends',
      'checkpoints',
      'core',
      'data',
      'inspect',
      'layers',
      'models',
      'ops',
      'report',
      'sampling',
      'tokenizers',
      'training',
    ],
  },
};

/** Packages whose main entry may use Node's modules; of the others, only subpaths such as `@minigpt/data/node` may. */
const nodeOnly = ['cli', 'testing'];

/** Apps bring their own tfjs; libraries take the one that the app has. */
const apps = ['cli'];

const requiredFiles = [
  'README.md',
  'package.json',
  'tsup.config.ts',
  'tsconfig.json',
  'tsconfig.build.json',
  'vitest.config.ts',
  'src/index.ts',
];

const requiredScripts = { build: 'tsup', typecheck: 'tsc -p .', lint: 'biome check .', test: 'vitest run' };

/**
 * Everything that is wrong with a package, one sentence each.
 *
 * @param {WorkspacePackage} pkg
 * @returns {string[]}
 */
export function packageProblems(pkg) {
  return [...fileProblems(pkg), ...manifestProblems(pkg), ...importProblems(pkg)];
}

/** @param {WorkspacePackage} pkg @returns {string[]} */
function fileProblems({ directory }) {
  const problems = requiredFiles
    .filter((file) => !existsSync(join(directory, file)))
    .map((file) => `${file} is missing.`);
  if (!sources(directory).some((path) => path.endsWith('.test.ts'))) {
    problems.push('src has no test (*.test.ts).');
  }
  return problems;
}

/** @param {WorkspacePackage} pkg @returns {string[]} */
function manifestProblems({ folder, directory, manifest }) {
  /** @type {string[]} */
  const problems = [];
  /** @param {boolean} holds @param {string} rule */
  const must = (holds, rule) => {
    if (!holds) problems.push(`package.json: ${rule}.`);
  };
  must(manifest.name === `@minigpt/${folder}`, `name must be @minigpt/${folder}, not ${manifest.name}`);
  must(manifest.type === 'module', 'type must be "module"');
  must(manifest.sideEffects !== undefined, 'sideEffects must be stated');
  for (const field of /** @type {const} */ (['version', 'description', 'license'])) {
    must(Boolean(manifest[field]), `${field} is missing`);
  }
  must(manifest.engines?.node === '>=20', 'engines.node must be ">=20"');
  must(Boolean(manifest.files?.includes('dist')), 'files must include "dist"');
  if (!manifest.private)
    must(manifest.publishConfig?.access === 'public', 'publishConfig.access must be "public"');
  for (const [script, command] of Object.entries(requiredScripts)) {
    must(manifest.scripts?.[script] === command, `scripts.${script} must be "${command}"`);
  }
  for (const [path, target] of Object.entries(manifest.exports ?? {})) {
    const name = path === '.' ? 'index' : path.slice('./'.length);
    must(
      target.types === `./dist/${name}.d.ts` && target.default === `./dist/${name}.js`,
      `exports["${path}"] must name ./dist/${name}.d.ts as types and ./dist/${name}.js as default`,
    );
    must(existsSync(join(directory, `src/${name}.ts`)), `exports["${path}"] has no src/${name}.ts`);
  }
  must(manifest.exports?.['.'] !== undefined, 'exports["."] is missing');
  if (!apps.includes(folder)) {
    const bundled = Object.keys(manifest.dependencies ?? {}).filter((name) =>
      name.startsWith('@tensorflow/'),
    );
    must(bundled.length === 0, `${bundled.join(', ')} must be a peer dependency: two copies are two engines`);
  }
  for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
    if (name.startsWith('@minigpt/')) must(range === 'workspace:^', `${name} must be "workspace:^"`);
  }
  return problems;
}

/** @param {WorkspacePackage} pkg @returns {string[]} */
function importProblems({ folder, directory, manifest }) {
  const arrow = arrows[folder];
  if (!arrow) return [`scripts/lib/package-rules.mjs does not say what ${folder} may import.`];

  /** @type {string[]} */
  const problems = [];
  const src = join(directory, 'src');
  const entries = buildEntries(directory);
  // What ships is what an entry of the build reaches; the rest is for tests.
  const shipped = reachable(entries);
  const runtime = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
  const declared = new Set([...runtime, ...Object.keys(manifest.devDependencies ?? {})]);

  const imported = new Set(
    [...shipped].flatMap((path) => importsOf(path).map((i) => packageOf(i.specifier))),
  );
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (name.startsWith('@minigpt/') && !imported.has(name)) {
      problems.push(`package.json: ${name} is among the dependencies, but nothing that ships imports it.`);
    }
  }

  for (const path of new Set([...shipped, ...sources(directory)])) {
    const where = relative(directory, path);
    for (const { specifier } of importsOf(path)) {
      if (specifier.startsWith('node:')) continue;
      if (specifier.startsWith('.')) {
        if (shipped.has(path) && relative(src, resolve(dirname(path), specifier)).startsWith('..')) {
          problems.push(`${where}: ${specifier} leaves src.`);
        }
        continue;
      }
      const name = packageOf(specifier);
      const ours = name.startsWith('@minigpt/') ? name.slice('@minigpt/'.length) : undefined;
      if (!shipped.has(path)) {
        // Tests may import all of our packages without declaring them: models are tested by training them, training by
        // models, and declared, these would be circles.
        if (!ours && !declared.has(name) && name !== 'vitest') {
          problems.push(`${where}: ${name} is imported but not declared in package.json.`);
        }
        continue;
      }
      if (ours && !arrow.imports.includes(ours)) {
        const allowed = arrow.imports.length > 0 ? arrow.imports.join(', ') : 'none of our packages';
        problems.push(`${where}: ${name} is against the arrows; ${folder} may import ${allowed}.`);
      }
      if (!runtime.has(name)) {
        problems.push(`${where}: ${name} ships but is in neither dependencies nor peerDependencies.`);
      }
    }
  }

  if (!nodeOnly.includes(folder)) {
    for (const path of reachable([join(src, 'index.ts')], (kind) => kind === 'value')) {
      for (const { specifier, kind } of importsOf(path)) {
        if (kind === 'value' && specifier.startsWith('node:')) {
          problems.push(
            `${relative(directory, path)}: ${specifier} is reached from src/index.ts, which browsers load.`,
          );
        }
      }
    }
  }
  return problems;
}

/** @param {string} directory */
function buildEntries(directory) {
  const config = join(directory, 'tsup.config.ts');
  const named = existsSync(config) ? (readFileSync(config, 'utf8').match(/src\/[\w/-]+\.ts/g) ?? []) : [];
  return (named.length > 0 ? named : ['src/index.ts']).map((entry) => join(directory, entry));
}

/** @param {string} directory */
function sources(directory) {
  const src = join(directory, 'src');
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(src, path));
}

/**
 * Circles in what packages declare, development included: turbo orders tasks along these arrows.
 *
 * @param {readonly WorkspacePackage[]} packages
 * @returns {string[]}
 */
export function circles(packages) {
  const declared = new Map(
    packages.map(({ manifest }) => [
      manifest.name,
      Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.devDependencies }),
    ]),
  );
  /** @type {string[]} */
  const found = [];
  const finished = new Set();
  /** @param {string} name @param {readonly string[]} path */
  const visit = (name, path) => {
    if (path.includes(name)) {
      found.push(`${[...path.slice(path.indexOf(name)), name].join(' → ')} is a circle of dependencies.`);
    } else if (!finished.has(name)) {
      for (const next of declared.get(name) ?? []) visit(next, [...path, name]);
      finished.add(name);
    }
  };
  for (const name of declared.keys()) visit(name, []);
  return found;
}
