// `pnpm recipe NAME [FLAGS]` runs examples/recipes/NAME/recipe.ts from the sources; without a name it lists the recipes.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

const recipes = new URL('../examples/recipes/', import.meta.url);
const [name = '', ...flags] = process.argv.slice(2).filter((argument, i) => i > 0 || argument !== '--');
const program = new URL(`${name}/recipe.ts`, recipes);

if (/^[\w-]+$/.test(name) && existsSync(program)) {
  process.argv = [process.argv[0], fileURLToPath(program), ...flags];
  register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) });
  await runRecipe();
} else {
  const wanted = name === '' || name === '--help';
  console.log(wanted ? 'Usage: pnpm recipe NAME [--help]\n' : `There is no recipe ${name}; there are:\n`);
  for (const { name, description } of all()) console.log(`  ${name.padEnd(12)} ${description}`);
  process.exitCode = wanted ? 0 : 2;
}

async function runRecipe() {
  const { explainError } = await import(source('report/src/node.ts'));
  const { MinigptError } = await import(source('core/src/index.ts'));
  const { TokenizerError } = await import(source('tokenizers/src/index.ts'));
  try {
    await import(program.href);
  } catch (error) {
    process.stderr.write(`\n${name}: ${explainError(error, [MinigptError, TokenizerError])}\n`);
    process.exitCode = 1;
  }
}

/** @param {string} path */
function source(path) {
  return new URL(`../packages/${path}`, import.meta.url).href;
}

/** @returns {{ name: string, description: string }[]} */
function all() {
  return readdirSync(recipes)
    .filter((folder) => existsSync(new URL(`${folder}/recipe.ts`, recipes)))
    .map((folder) => ({
      name: folder,
      ...JSON.parse(readFileSync(new URL(`${folder}/package.json`, recipes), 'utf8')),
    }))
    .map(({ name, description }) => ({ name: name.replace('@minigpt/recipe-', ''), description }));
}
