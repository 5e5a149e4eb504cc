import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../create-tokenizer.ts';
import { CheckedTokenizer } from '../testing/checked-tokenizer.ts';
import { shared } from '../testing/shared.ts';
import type { UnigramSpec } from '../tokenizer-json.ts';
import { digamma, trainUnigram } from './train-unigram.ts';
import { TrainingOptionError } from './training-options.ts';
import { UnigramLattice } from './unigram-lattice.ts';

const TEXT = 'the cat sat on the mat and the cat ate the rat\nthat sat on the mat. '.repeat(20);

describe('UnigramLattice', () => {
  // Two words, `abab` three times and `ba` twice; candidates a, b, ab, ba, aba, bab, abab.
  const words = {
    symbols: Int32Array.of(0, 1, 0, 1, 1, 0),
    starts: Int32Array.of(0, 4, 6),
    counts: Float64Array.of(3, 2),
  };
  const lattice = new UnigramLattice(words, 2, Uint8Array.of(2, 2), 100);
  const texts = Array.from({ length: lattice.pieces }, (_, piece) => {
    const start = lattice.firstPosition[piece]!;
    return [...words.symbols.subarray(start, start + lattice.length[piece]!)].join('');
  });
  const scores = Float64Array.from(texts, (text, piece) => -1 - 0.3 * text.length - 0.1 * piece);

  function segmentations(text: string): number[][] {
    if (text === '') return [[]];
    return texts.flatMap((piece, id) =>
      text.startsWith(piece) ? segmentations(text.slice(piece.length)).map((rest) => [id, ...rest]) : [],
    );
  }
  const scoreOf = (pieces: number[]) => pieces.reduce((sum, piece) => sum + scores[piece]!, 0);

  it('finds every repeated substring, with its frequency', () => {
    expect(Object.fromEntries(texts.map((text, i) => [text, lattice.occurrences[i]]))).toEqual({
      '0': 8,
      '1': 8,
      '01': 6,
      '10': 5,
      '010': 3,
      '101': 3,
      '0101': 3,
    });
  });

  it('expects what the sum over all segmentations gives', () => {
    const expected = new Float64Array(texts.length);
    let logLikelihood = 0;
    for (const [text, count] of [
      ['0101', 3],
      ['10', 2],
    ] as const) {
      const all = segmentations(text);
      const total = all.reduce((sum, pieces) => sum + Math.exp(scoreOf(pieces)), 0);
      logLikelihood += count * Math.log(total);
      for (const pieces of all) {
        for (const piece of pieces) expected[piece]! += (count * Math.exp(scoreOf(pieces))) / total;
      }
    }
    const actual = new Float64Array(texts.length);
    expect(lattice.expectedCounts(scores, -1.7, actual)).toBeCloseTo(logLikelihood, 10);
    for (const [piece, count] of expected.entries()) expect(actual[piece]).toBeCloseTo(count, 10);
  });

  it('finds the most probable segmentation, with and without a piece', () => {
    const best = (without?: number) => {
      const pieces: number[] = [];
      const score = lattice.best(0, 4, scores, (piece) => pieces.unshift(piece), without);
      return { pieces, score };
    };
    const all = segmentations('0101').sort((a, b) => scoreOf(b) - scoreOf(a));
    expect(best().pieces).toEqual(all[0]);
    expect(best().score).toBeCloseTo(scoreOf(all[0]!), 10);
    const whole = texts.indexOf('0101');
    expect(best(whole).pieces).toEqual(all.find((pieces) => !pieces.includes(whole)));
  });
});

describe('trainUnigram', () => {
  it('knows the derivative of log gamma', () => {
    expect(digamma(1)).toBeCloseTo(-0.5772156649015329, 9);
    expect(digamma(0.5)).toBeCloseTo(-1.9635100260214235, 9);
    expect(digamma(100)).toBeCloseTo(4.600161852738087, 9);
  });

  it('learns words, gives ids by kind and probability', async () => {
    const json = await trainUnigram(TEXT, { vocabSize: 300, specialTokens: ['<s>', '<pad>'] });
    const { vocab } = json.model as UnigramSpec;
    const pieces = vocab.map(([piece]) => piece);
    expect(pieces.slice(0, 4)).toEqual(['<unk>', '<s>', '<pad>', '<0x00>']);
    expect(pieces).toContain('▁the');
    expect(pieces.some((piece) => /.▁|\p{L}\P{L}/u.test(piece.replace(/^▁|<.*>/g, '')))).toBe(false);
    const scores = vocab.slice(259).map(([, score]) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    expect(total).toBeGreaterThan(0.5);
    expect(total).toBeLessThan(1.001);
  });

  it('is read by Hugging Face with the same ids, and decodes to what was encoded', async () => {
    const json = await trainUnigram(TEXT, { vocabSize: 300 });
    const tokenizer = createTokenizer(json);
    const checked = new CheckedTokenizer(json);
    for (const text of ['the cat sat', ' two  spaces ', 'Ünknown 字\n', '▁', '']) {
      const ids = tokenizer.encode(text);
      expect(await checked.encode(text)).toEqual(ids);
      expect(await checked.decode(ids)).toBe(tokenizer.decode(ids));
    }
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('▁'));
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  it('bounds long words', async () => {
    const json = await trainUnigram('ab'.repeat(50_000), { vocabSize: 300 });
    expect((json.model as UnigramSpec).vocab.length).toBeLessThanOrEqual(300);
  });

  it('reports progress, stops when told, refuses options that cannot be', async () => {
    const abort = new AbortController();
    const onProgress = () => abort.abort(new Error('enough'));
    const long = Array.from({ length: 40 }, (_, i) =>
      TEXT.replaceAll('a', String.fromCodePoint(200 + i)).repeat(30),
    );
    await expect(trainUnigram(long, { vocabSize: 500, onProgress, signal: abort.signal })).rejects.toThrow(
      'enough',
    );
    await expect(trainUnigram(TEXT, { vocabSize: 100 })).rejects.toThrow(TrainingOptionError);
    await expect(trainUnigram(TEXT, { vocabSize: 300, specialTokens: ['<unk>'] })).rejects.toThrow(
      'without <unk>',
    );
  });
});

describe.skipIf(!shared)(
  "trainUnigram beside Hugging Face's trainer (needs reference data: set MINIGPT_SHARED to its folder)",
  () => {
    it('needs about as many tokens', async () => {
      const data = (path: string) => readFileSync(`${shared}/${path}`, 'utf8').replace(/\s+/g, ' ');
      const stories = Object.values<string>(
        JSON.parse(readFileSync(`${shared}/corpora/tinystories_1000.json`, 'utf8')),
      );
      const text = [
        data('corpora/tinyshakespeare.txt').slice(0, 100_000),
        stories.join(' ').slice(0, 100_000),
        data('corpora/verne-18857.txt').slice(0, 100_000),
      ];
      const golden = createTokenizer(
        JSON.parse(readFileSync(`${shared}/golden/tokenizers/unigram-metaspace-1000/tokenizer.json`, 'utf8')),
      );
      const ours = createTokenizer(await trainUnigram(text, { vocabSize: 1000, byteFallback: false }));
      expect(ours.vocabSize).toBe(1000);
      const sample = data('corpora/tinyshakespeare.txt').slice(200_000, 300_000);
      expect(ours.count(sample)).toBeLessThan(golden.count(sample) * 1.03);
    });
  },
);
