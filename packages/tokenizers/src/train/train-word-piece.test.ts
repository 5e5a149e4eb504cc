import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../create-tokenizer.ts';
import { CheckedTokenizer } from '../testing/checked-tokenizer.ts';
import { shared } from '../testing/shared.ts';
import type { WordPieceSpec } from '../tokenizer-json.ts';
import { trainWordPiece } from './train-word-piece.ts';
import { TrainingOptionError } from './training-options.ts';

const TEXT = 'The cat sat. The cats sat! THE café, the catalogue: cat\n'.repeat(3);

describe('trainWordPiece', () => {
  it("makes BERT's kind of vocabulary: special tokens, characters, then pieces by frequency", async () => {
    const json = await trainWordPiece(TEXT, { vocabSize: 60 });
    const { vocab } = json.model as WordPieceSpec;
    expect(vocab).toMatchObject({ '[PAD]': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3, '[MASK]': 4 });
    expect(Object.keys(vocab)).toEqual(expect.arrayContaining(['the', 'cat', 'sat', 'cafe', '##s', '.']));
    expect(Object.keys(vocab).some((token) => /[A-Zé]/.test(token) && !token.startsWith('['))).toBe(false);
    expect(new Set(Object.values(vocab)).size).toBe(Object.keys(vocab).length);
  });

  it('is read by Hugging Face with the same ids', async () => {
    const json = await trainWordPiece(TEXT, { vocabSize: 50 });
    const checked = new CheckedTokenizer(json);
    const tokenizer = createTokenizer(json);
    for (const text of ['The cats sat', 'catalogues!', 'dog', 'Café cat', '']) {
      expect(await checked.encode(text, true)).toEqual(tokenizer.encode(text, { addSpecialTokens: true }));
    }
    expect(tokenizer.encode('the cat', { addSpecialTokens: true })[0]).toBe(2);
  });

  it('keeps case where told to', async () => {
    const { vocab } = (await trainWordPiece(TEXT, { vocabSize: 60, lowercase: false }))
      .model as WordPieceSpec;
    expect(Object.keys(vocab)).toEqual(expect.arrayContaining(['The', 'café']));
  });

  it('refuses options that cannot be', async () => {
    const train = (options: object) => trainWordPiece(TEXT, { vocabSize: 60, ...options });
    await expect(train({ specialTokens: ['[PAD]'] })).rejects.toThrow(TrainingOptionError);
    await expect(train({ vocabSize: 10 })).rejects.toThrow('vocabSize must be between');
    await expect(train({ minFrequency: 0 })).rejects.toThrow(TrainingOptionError);
  });
});

describe.skipIf(!shared)(
  "trainWordPiece beside Hugging Face's trainer (needs reference data: set MINIGPT_SHARED to its folder)",
  () => {
    it('needs about as many tokens', async () => {
      const data = (path: string) => readFileSync(`${shared}/${path}`, 'utf8');
      const stories: string[] = Object.values(JSON.parse(data('corpora/tinystories_1000.json')));
      const text = [
        data('corpora/tinyshakespeare.txt').slice(0, 100_000),
        stories.join('\n').slice(0, 100_000),
        data('corpora/verne-18857.txt').slice(0, 100_000),
      ];
      const golden = createTokenizer(JSON.parse(data('golden/tokenizers/wordpiece-1000/tokenizer.json')));
      const ours = createTokenizer(await trainWordPiece(text, { vocabSize: 1000 }));
      expect(ours.vocabSize).toBe(1000);
      const sample = data('corpora/tinyshakespeare.txt').slice(200_000, 300_000);
      expect(ours.count(sample)).toBeLessThan(golden.count(sample) * 1.01);
    });
  },
);
