import type { HostTensor } from '@minigpt/core';
import { describe, expect, it } from 'vitest';
import {
  attentionHtml,
  attributionHtml,
  headScoresHtml,
  logitLensHtml,
  type PatchingResult,
  patchingHtml,
  tokenLossesHtml,
} from '../index.ts';
import { predictionOf } from '../prediction.ts';
import { tokenHtml } from './page.ts';

const plain = ['the', 'cat', 'sat'];
const hostile = [
  '</title></style><script>alert(1)</script>',
  '" onmouseover="alert(1)" x="',
  "'><img src=https://example.com/x.png onerror=alert(1)>&amp;<!--",
];
const map = (values: readonly number[]): HostTensor => ({
  dtype: 'float32',
  shape: [3, 3],
  data: Float32Array.from(values),
});
const maps = [[map([1, 0, 0, 0.25, 0.75, 0, 0.5, 0.5, 0]), map([1, 0, 0, 1, 0, 0, 1, 0, 0])]];
const logits = [1, 2, 0];
const lens = ['model.embed_dropout', 'model.layers.0'].map((path, layer) => ({
  path,
  predictions: [1, 2, undefined].map((next) => predictionOf(layer === 0 ? [3, 0, 0] : logits, 2, next)),
}));
const losses = [1, 2].map((position) => {
  const { next, ...rest } = predictionOf(logits, 2, position);
  return { position, loss: -next!.logProbability, next: next!, ...rest };
});
const grid: PatchingResult = {
  site: 'residual',
  values: [[1, 2, 3]],
  clean: 3,
  corrupted: 1,
  recovered: [[0, 0.5, -1.25]],
};

/** Every page, of a text with these tokens. */
const pages = (tokens: readonly string[]): Readonly<Record<string, string>> => {
  const [title] = tokens;
  const decode = (id: number) => tokens[id];
  return {
    attentionHtml: attentionHtml(maps, { tokens, title }),
    attributionHtml: attributionHtml(
      {
        contributions: [
          { component: 'embedding', name: 'embedding', value: 0.5 },
          { component: 'head', name: 'L0H0', layer: 0, head: 0, value: -2 },
          { component: 'MLP', name: 'L0 MLP', layer: 0, value: 1 },
        ],
        bias: 0.25,
        logit: -0.25,
      },
      { title },
    ),
    headScoresHtml: headScoresHtml(
      {
        ids: Int32Array.of(1, 2, 1, 2),
        previousToken: [[0.9, 0.1]],
        duplicateToken: [[0, 1]],
        induction: [[0.33, 0]],
      },
      { title },
    ),
    logitLensHtml: logitLensHtml(lens, { tokens, decode, title }),
    patchingHtml: patchingHtml(grid, { tokens, title }),
    'patchingHtml of heads': patchingHtml({ ...grid, site: 'heads' }, { tokens, title }),
    tokenLossesHtml: tokenLossesHtml(losses, { tokens, decode, title }),
  };
};

/** The tags of a page with the names of their attributes, and what is left beside them. */
function skeleton(html: string): { readonly tags: string[]; readonly text: string } {
  const tag = /<\/?[a-z0-9]+(?: [a-z-]+(?:="[^"<>]*")?)*\/?>|<!doctype html>/gi;
  return {
    tags: (html.match(tag) ?? []).map((one) => one.replace(/="[^"]*"/g, '')),
    text: html.replace(/<style>[^<]*<\/style>/, '').replace(tag, ''),
  };
}

describe('pages', () => {
  for (const [name, html] of Object.entries(pages(hostile))) {
    it(`${name}: tokens add no tag and no attribute, and nothing is fetched or run`, () => {
      const { tags, text } = skeleton(html);
      expect(tags).toEqual(skeleton(pages(plain)[name]).tags);
      expect(text).not.toMatch(/[<>"']/);
      expect(html).toContain("default-src 'none'");
      expect(tags.join()).not.toMatch(/<script|<img|<link|<iframe| src| on[a-z]+/);
      expect(html).not.toMatch(/url\(|@import/);
      expect(html).toMatch(/prefers-color-scheme: dark/);
      const open = tags.filter((tag) => !/^<(?:\/|!|meta|br)|\/>$/.test(tag)).length;
      expect(tags.filter((tag) => tag.startsWith('</')).length, 'every tag is closed').toBe(open);
    });
  }

  it('show what was measured', () => {
    const of = pages(plain);
    expect(of.attentionHtml).toContain('<path fill-opacity="0.5" d="M0 2h2v1h-2z"/>');
    expect(of.attentionHtml).toContain('<path fill-opacity="1" d="M0 0h1v1h-1z"/>');
    expect(of.attentionHtml).toContain('cat (1) looks at&#10;0.750 cat (1)&#10;0.250 the (0)');
    expect(of.attributionHtml).toContain('<td class="less" style="--part:1">-2.00</td>');
    expect(of.attributionHtml).toContain('<td style="--part:0.25">0.50</td>');
    expect(of.headScoresHtml).toContain('<td style="--part:0.33">0.33</td>');
    expect(of.patchingHtml).toContain(
      '<td style="--part:0.5">0.50</td><td class="less" style="--part:1">-1.25</td>',
    );
    expect(of['patchingHtml of heads']).toContain('<th>H2</th>');
    // The last layer is above; after 'the' comes 'cat'.
    expect(of.logitLensHtml).toContain(
      '<tbody><tr><th>model.layers.0</th><td class="hit" style="--part:0.665"',
    );
    expect(of.logitLensHtml).toContain(
      '66.5 % cat&#10;24.5 % the&#10;next: sat, 9.0 %, rank 3&#10;entropy 0.83 nats',
    );
    expect(of.tokenLossesHtml).toContain('<span class="unmeasured" title="not measured">the</span>');
    expect(of.tokenLossesHtml).toContain(
      'style="--part:1" title="sat: 2.408 nats, rank 3&#10;66.5 % cat&#10;24.5 % the"',
    );
    expect(of.tokenLossesHtml).toContain('Mean 1.4076 nats over 2 tokens');
  });

  it('show tokens that cannot be seen', () => {
    const cases: readonly [token: string, shown: string][] = [
      [' the', '␣the'],
      ['', '∅'],
      ['\n\t\u0000\u007f', '↵⇥␀␡'],
      ['a\u202eb\u200d\u2028', 'a⟨U+202E⟩b⟨U+200D⟩⟨U+2028⟩'],
      ['\ud83d', '\ufffd'],
      ['😀', '😀'],
      ['<&>', '&#60;&#38;&#62;'],
    ];
    for (const [token, shown] of cases) expect(tokenHtml(token)).toBe(shown);
    const text = tokenLossesHtml(losses, { tokens: ['a', ' b\n', '\n\nc'], decode: String });
    expect(text).toMatch(/ b↵<br><\/span><span [^>]*>↵<br>↵<br>c</);
  });
});
