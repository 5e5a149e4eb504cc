import type { LogitAttribution } from '../direct-logit-attribution.ts';
import { heatTable, layerNames } from './heat-table.ts';
import { escapeHtml, type PageOptions, page } from './page.ts';

/** What `directLogitAttribution` found as a page: layers by heads and MLP, and what is in no layer. It needs no network. */
export function attributionHtml(
  { contributions, bias, logit }: LogitAttribution,
  { title = 'Direct logit attribution' }: PageOptions = {},
): string {
  const layers = Math.max(...contributions.map(({ layer = -1 }) => layer)) + 1;
  const heads = Math.max(...contributions.map(({ head = -1 }) => head)) + 1;
  const full = Math.max(...contributions.map(({ value }) => Math.abs(value)), Math.abs(bias));
  const kinds = ['attention bias', 'MLP'].filter((kind) =>
    contributions.some(({ component }) => component === kind),
  );
  const rows = Array.from({ length: layers }, (_, layer) => {
    const inLayer = contributions.filter((one) => one.layer === layer);
    const ofHeads = Array.from({ length: heads }, (_, head) => inLayer.find((one) => one.head === head));
    return [...ofHeads, ...kinds.map((kind) => inLayer.find(({ component }) => component === kind))];
  });
  const outside = contributions.filter(({ layer }) => layer === undefined);
  const others = heatTable({
    columns: [...outside.map(({ name }) => escapeHtml(name)), 'bias', 'sum'],
    rows: [''],
    values: [[...outside.map(({ value }) => value), bias, logit]],
    full,
  });
  const table = heatTable({
    columns: [...Array.from({ length: heads }, (_, head) => `H${head}`), ...kinds],
    rows: layerNames(rows),
    values: rows.map((row) => row.map((one) => one?.value)),
    full,
  });
  return page(
    title,
    `<p>What each component adds to the logit, or to the difference of two.</p>${others}${table}`,
  );
}
