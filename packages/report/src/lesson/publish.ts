import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeBetweenMarkers } from './between-markers.ts';
import { type Check, figure, spelled } from './check.ts';

export interface PublishOptions {
  /** The recipe's name, which names its block and its figures in the documentation. */
  readonly recipe: string;
  /** What it ran on; the block `figures: TEXT` of the README gets the numbers. */
  readonly text: string;
  /** How it ran: the command, the backend, how long it took. */
  readonly run: string;
  readonly checks: readonly Check[];
  readonly readme: string;
  /** Where figures and a sample are shown to those who do not run the recipe. */
  readonly docs?: {
    /** The Markdown page with a block of the recipe's name; the figures go to `recipes/` beside it. */
    readonly page: string;
    /** The folder that the lesson wrote its figures to. */
    readonly folder: string;
    readonly figures: readonly { readonly name: string; readonly caption: string }[];
    readonly sample: string;
  };
}

/** Writes what a full run arrived at into the recipe's README, and its figures and a sample into the documentation. */
export function publish({ recipe, text, run, checks, readme, docs }: PublishOptions): void {
  const rows = checks.map(
    ({ what, value, rule, source }) => `| ${what} | ${figure(value)} | ${spelled(rule)} | ${source} |`,
  );
  const table = ['| what | here | must be | because |', '| --- | --- | --- | --- |', ...rows].join('\n');
  writeBetweenMarkers(readme, `figures: ${text}`, `${run}\n\n${table}`);
  if (docs === undefined) return;

  const beside = join(docs.page, '..', 'recipes');
  mkdirSync(beside, { recursive: true });
  const figures = docs.figures.map(({ name, caption }) => {
    const file = `${recipe}-${name}.svg`;
    copyFileSync(join(docs.folder, `${name}.svg`), join(beside, file));
    return `![${caption}](recipes/${file})`;
  });
  const sample = `\`\`\`text\n${docs.sample.trim().replaceAll('```', "'''")}\n\`\`\``;
  writeBetweenMarkers(docs.page, recipe, [run, table, ...figures, sample].join('\n\n'));
}
