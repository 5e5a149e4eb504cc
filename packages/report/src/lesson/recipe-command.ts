import { Command, Option } from 'commander';
import { integer } from './parse.ts';

export interface RecipeCommandOptions {
  /** The name of the recipe's folder. */
  readonly name: string;
  readonly description: string;
  /** What `--data` takes and what is read without it. */
  readonly data: string;
  readonly examples: readonly string[];
  /** What `--seed` is by default. Default 1337. */
  readonly seed?: number;
}

/** The flags that every recipe has. */
export interface RecipeFlags {
  readonly data?: string;
  readonly quick: boolean;
  readonly backend: 'auto' | 'node' | 'wasm' | 'cpu';
  readonly seed: number;
  readonly out: string;
}

/** The command line of a recipe with the flags that all have; its own are added with `option`. */
export function recipeCommand({
  name,
  description,
  data,
  examples,
  seed = 1337,
}: RecipeCommandOptions): Command {
  return (
    new Command(`recipe ${name}`)
      .description(description)
      .option('--data <where>', data)
      .option('--quick', 'a much shorter run, within a minute', false)
      .addOption(
        new Option('--backend <name>', 'what computes; auto takes the fastest that starts')
          .choices(['auto', 'node', 'wasm', 'cpu'])
          .default('auto'),
      )
      .option('--seed <n>', 'of weights, batches and samples', integer, seed)
      .option('--out <dir>', 'folder for the page and its figures', `out/recipes/${name}`)
      .showHelpAfterError('(see --help)')
      // commander would exit with 1, which is for bad input here, as in the command line.
      .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
      .addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`)
  );
}
