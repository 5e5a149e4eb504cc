import type { LensLayer } from '../logit-lens.ts';
import type { Prediction } from '../prediction.ts';
import { escapeHtml, type PredictionPageOptions, page, part, percent, tokenHtml, topHtml } from './page.ts';

/**
 * What `logitLens` saw as a page: a row for each place of the residual stream, the last layer above, a column for each token;
 * the likeliest next token, on a ground that is the darker the surer it is, framed where it is right. It needs no network.
 */
export function logitLensHtml(
  lens: readonly LensLayer[],
  { tokens, decode, title = 'Logit lens' }: PredictionPageOptions,
): string {
  const name = (text: string) => `<bdi class="token">${tokenHtml(text)}</bdi>`;
  const head = tokens.map((token) => `<th>${name(token)}</th>`).join('');
  const rows = lens.toReversed().map(({ path, predictions }) => {
    return `<tr><th>${escapeHtml(path)}</th>${predictions.map(cell).join('')}</tr>`;
  });
  const explained =
    'The likeliest next token after each token of the first line, if the layers above a row were not there. Framed: it does come next. The tooltips name others, and the rank of what comes next.';
  const table = `<table><thead><tr><th></th>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
  return page(title, `<p>${explained}</p><div class="scroll">${table}</div>`);

  function cell({ top, entropy, next }: Prediction): string {
    const [best] = top;
    if (best === undefined) return '<td></td>';
    const hit = next?.id === best.id ? ' class="hit"' : '';
    const follows =
      next === undefined
        ? ''
        : `&#10;next: ${tokenHtml(decode(next.id))}, ${percent(Math.exp(next.logProbability))}, rank ${next.rank}`;
    const says = `${topHtml(top, decode)}${follows}&#10;entropy ${entropy.toFixed(2)} nats`;
    return `<td${hit} style="--part:${part(Math.exp(best.logProbability))}" title="${says}">${name(decode(best.id))}</td>`;
  }
}
