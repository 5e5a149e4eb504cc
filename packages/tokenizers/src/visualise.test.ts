import { describe, expect, it } from 'vitest';
import { createTokenizer } from './create-tokenizer.ts';
import { trainBpe } from './train/train-bpe.ts';
import { tokensToAnsi, tokensToHtml, visualise } from './visualise.ts';

const tokenizer = createTokenizer(
  await trainBpe('the cats, the cats, 12 12 <b>\n', {
    vocabSize: 280,
    specialTokens: ['<|end|>'],
    minFrequency: 2,
  }),
);

describe('visualise', () => {
  it('gives each token its text, place and kind', () => {
    const text = 'the cats, 12\u00e9<|end|>\n catsup';
    const tokens = visualise(tokenizer, text);
    expect(tokens.map(({ text: covered, kind }) => [covered, kind])).toEqual(
      expect.arrayContaining([
        ['the', 'word-start'],
        [' cats', 'word-start'],
        [',', 'punctuation'],
        ['é', 'byte'],
        ['<|end|>', 'special'],
        ['\n', 'whitespace'],
        ['u', 'continuation'],
      ]),
    );
    expect(tokens.some(({ kind }) => kind === 'digits')).toBe(true);
    for (const { start, end, text: covered } of tokens) expect(text.slice(start, end)).toBe(covered);
    expect(tokens.map(({ id }) => id)).toEqual(tokenizer.encode(text, { allowedSpecial: 'all' }));
  });

  it('knows what continues a word behind letters outside the basic plane', () => {
    const tokens = visualise(tokenizer, '𝒳a');
    expect(tokens.at(-1)).toMatchObject({ text: 'a', kind: 'continuation' });
  });
});

describe('tokensToAnsi', () => {
  it('colours neighbours differently and obeys nothing in the text', () => {
    const ansi = tokensToAnsi(visualise(tokenizer, 'the\u001b[2J\u009b\n'));
    expect(ansi).toContain('␛');
    expect(ansi).not.toContain('\u001b[2J');
    expect(ansi).not.toContain('\u009b');
    expect(ansi.endsWith('␊\u001b[0m\n')).toBe(true);
    const grounds = [...ansi.matchAll(/48;5;(\d+)m/g)].map(([, code]) => code);
    expect(grounds.every((code, i) => i === 0 || code !== grounds[i - 1])).toBe(true);
  });

  it('writes ids where asked', () => {
    const tokens = visualise(tokenizer, 'the');
    expect(tokensToAnsi(tokens, { ids: true })).toContain(String(tokens[0]!.id));
    expect(tokensToAnsi(tokens)).not.toContain(`m${tokens[0]!.id}\u001b`);
  });
});

describe('tokensToHtml', () => {
  it('escapes the text and names id and kind', () => {
    const html = tokensToHtml(visualise(tokenizer, '<b>"&\'\n'));
    expect(html.replace(/<\/?(div|span|br)[^<>]*>/g, '')).not.toMatch(/[<>"']/);
    expect(html).toContain('data-kind="punctuation"');
    expect(html).toContain('<br>');
    expect(tokensToHtml([])).toMatch(/^<div [^>]*><\/div>$/);
  });
});
