import type { PatchingResult } from '../activation-patching.ts';
import { headNames, heatTable, layerNames } from './heat-table.ts';
import { page, type TextPageOptions, tokenHtml } from './page.ts';

const SITES = {
  residual: 'the residual stream before a layer',
  attention: 'what the attention of a layer adds',
  mlp: 'what the MLP of a layer adds',
  heads: 'what one head gathered, at all positions,',
};

/**
 * The grid of `activationPatching` as a page: how much of the clean answer each patch brings back. The tokens are those of the
 * corrupted prompt. It needs no network.
 */
export function patchingHtml(
  result: PatchingResult,
  { tokens, title = 'Activation patching' }: TextPageOptions,
): string {
  const { site, recovered, clean, corrupted } = result;
  const columns =
    site === 'heads'
      ? headNames(recovered[0])
      : tokens.map((token) => `<bdi class="token">${tokenHtml(token)}</bdi>`);
  const explained = `The corrupted prompt, run with ${SITES[site]} taken from the clean one. 1: the metric is that of the clean prompt, ${clean.toFixed(3)}; 0: that of the corrupted one, ${corrupted.toFixed(3)}.`;
  const table = heatTable({ columns, rows: layerNames(recovered), values: recovered, full: 1 });
  return page(title, `<p>${explained}</p>${table}`);
}
