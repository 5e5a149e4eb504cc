import type { HeadScores } from '../head-scores.ts';
import { headNames, heatTable, layerNames } from './heat-table.ts';
import { type PageOptions, page } from './page.ts';

const KINDS = {
  previousToken: 'Previous token: attends to the token before',
  duplicateToken: 'Duplicate token: attends to earlier occurrences of the same token',
  induction: 'Induction: attends to what followed earlier occurrences',
};

/** The scores of `headScores` as a page: a grid of layers and heads for each kind. It needs no network. */
export function headScoresHtml(scores: HeadScores, { title = 'Head scores' }: PageOptions = {}): string {
  const tables = (Object.keys(KINDS) as (keyof typeof KINDS)[]).map((kind) => {
    const values = scores[kind];
    const table = heatTable({ columns: headNames(values[0]), rows: layerNames(values), values, full: 1 });
    return `<h2>${KINDS[kind]}</h2>${table}`;
  });
  const explained = `Mean attention weight, 0 to 1, over ${scores.ids.length} tokens: a random sequence, repeated.`;
  return page(title, `<p>${explained}</p>${tables.join('\n')}`);
}
