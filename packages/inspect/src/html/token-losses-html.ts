import type { TokenLoss } from '../token-losses.ts';
import { escapeHtml, type PredictionPageOptions, page, part, tokenHtml, topHtml, visible } from './page.ts';

const STYLE = `
.text { font: 15px/1.9 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; max-width: 60rem; }
.text span { border-radius: 2px; padding: .12em 0; } .text .unmeasured { text-decoration: underline dotted var(--faint); }
`;

/**
 * A text with the loss of each of its tokens as a page: the darker, the less was it foreseen; what was thought likelier is in the
 * tooltips. It needs no network.
 */
export function tokenLossesHtml(
  losses: readonly TokenLoss[],
  { tokens, decode, title = 'Loss of each token' }: PredictionPageOptions,
): string {
  const highest = Math.max(...losses.map(({ loss }) => loss));
  const mean = losses.reduce((sum, { loss }) => sum + loss, 0) / losses.length;
  const measured = new Map(losses.map((loss) => [loss.position, loss]));
  const spans = tokens.map((token, position) => {
    const shown = textHtml(token);
    const of = measured.get(position);
    if (of === undefined) return `<span class="unmeasured" title="not measured">${shown}</span>`;
    const { loss, next, top } = of;
    const says = `${tokenHtml(token)}: ${loss.toFixed(3)} nats, rank ${next.rank}&#10;${topHtml(top, decode)}`;
    return `<span style="--part:${part(loss / highest)}" title="${says}">${shown}</span>`;
  });
  const explained = `Mean ${mean.toFixed(4)} nats over ${losses.length} tokens; the full colour is ${highest.toFixed(2)} nats.`;
  return page(title, `<p>${explained}</p><div class="text">${spans.join('')}</div>`, STYLE);
}

/** A token within a text, escaped: line ends are shown and made. */
function textHtml(token: string): string {
  return token
    .split('\n')
    .map((line) => escapeHtml(visible(line)))
    .join('↵<br>');
}
