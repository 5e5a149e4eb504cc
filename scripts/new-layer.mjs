// `pnpm new:layer NAME` writes a layer that works, its test and its export, for you to change.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { layerSource, layerTestSource } from './lib/layer-template.mjs';

const help = `Usage: pnpm new:layer NAME

Writes packages/layers/src/NAME.ts and NAME.test.ts, a layer that scales each channel and passes its tests, and exports it
from index.ts. NAME is in kebab case: \`pnpm new:layer layer-scale\` makes the class LayerScale.`;

const src = new URL('../packages/layers/src/', import.meta.url);

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) console.log(help);
  else newLayer(positionals);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** @param {readonly string[]} names */
function newLayer(names) {
  const [name] = names;
  if (name === undefined || names.length > 1) {
    throw new Error(`One name is needed, but ${names.length} came: pnpm new:layer layer-scale`);
  }
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new Error(`A layer's name is in kebab case, such as layer-scale, but "${name}" came.`);
  }
  const className = name.replace(/(?:^|-)(.)/g, (_, letter) => letter.toUpperCase());
  if (['Module', 'Tensor', 'Variable'].includes(className) || className in globalThis) {
    throw new Error(
      `${className} is already the name of something else; choose another name than "${name}".`,
    );
  }
  const index = readFileSync(new URL('index.ts', src), 'utf8');
  for (const file of [`${name}.ts`, `${name}.test.ts`]) {
    if (existsSync(new URL(file, src))) {
      throw new Error(`packages/layers/src/${file} exists already; choose another name than "${name}".`);
    }
  }
  if (new RegExp(`\\b${className}\\b`).test(index)) {
    throw new Error(`@minigpt/layers exports ${className} already; choose another name than "${name}".`);
  }

  writeFileSync(new URL(`${name}.ts`, src), layerSource(className));
  writeFileSync(new URL(`${name}.test.ts`, src), layerTestSource(name, className));
  writeFileSync(new URL('index.ts', src), withExport(index, name, className));
  console.log(`packages/layers/src/${name}.ts\npackages/layers/src/${name}.test.ts`);
  console.log(`Next: write its formula, shapes and source into the docstring, then pnpm test ${name}`);
}

/**
 * The exports of an `index.ts`, which are in the order of their files, with one more.
 *
 * @param {string} index @param {string} name @param {string} className
 */
function withExport(index, name, className) {
  const statements = index.split(/(?<=;\n)/);
  const after = statements.findIndex((statement) => (/'\.\/(.*)\.ts'/.exec(statement)?.[1] ?? '') > name);
  const added = `export { ${className}, type ${className}Options } from './${name}.ts';\n`;
  statements.splice(after < 0 ? statements.length : after, 0, added);
  return statements.join('');
}
