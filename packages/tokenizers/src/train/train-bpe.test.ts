import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../create-tokenizer.ts';
import { alphabetToBytes } from '../pipeline/byte-alphabet.ts';
import { CheckedTokenizer } from '../testing/checked-tokenizer.ts';
import { shared } from '../testing/shared.ts';
import type { BpeSpec, TokenizerJson } from '../tokenizer-json.ts';
import type { TieRule } from './merge-queue.ts';
import { type BpeTrainingOptions, trainBpe } from './train-bpe.ts';
import { TrainingOptionError } from './training-options.ts';

function mergesOf(json: TokenizerJson): (readonly [string, string])[] {
  return (json.model as BpeSpec).merges as (readonly [string, string])[];
}

/** The definition, by counting everything again for each merge: minbpe's and CS336's loops, with byte strings. */
function slowMerges(words: readonly string[], merges: number, tieRule: TieRule, minFrequency: number) {
  let corpus = words.map((word) => [...Buffer.from(word, 'utf8').toString('latin1')]);
  const done: [string, string][] = [];
  while (done.length < merges) {
    const counts = new Map<string, { pair: [string, string]; count: number }>();
    for (const word of corpus) {
      for (let i = 1; i < word.length; i++) {
        const pair: [string, string] = [word[i - 1]!, word[i]!];
        const entry = counts.get(pair.join('\u{10000}')) ?? { pair, count: 0 };
        entry.count++;
        counts.set(pair.join('\u{10000}'), entry);
      }
    }
    let best: { pair: [string, string]; count: number } | undefined;
    for (const entry of counts.values()) {
      const { pair, count } = entry;
      const wins =
        !best ||
        count > best.count ||
        (tieRule === 'lexicographic' &&
          count === best.count &&
          (pair[0] > best.pair[0] || (pair[0] === best.pair[0] && pair[1] > best.pair[1])));
      if (wins) best = entry;
    }
    if (!best || best.count < minFrequency) break;
    const [left, right] = best.pair;
    done.push([left, right]);
    corpus = corpus.map((word) => {
      const merged: string[] = [];
      for (let i = 0; i < word.length; i++) {
        if (word[i] === left && word[i + 1] === right) {
          merged.push(left + right);
          i++;
        } else merged.push(word[i]!);
      }
      return merged;
    });
  }
  return done;
}

const latin1 = (token: string) => Buffer.from(alphabetToBytes(token)).toString('latin1');

describe('trainBpe', () => {
  it.each(['first-seen', 'lexicographic'] as const)(
    'equals counting afresh for every merge: %s',
    async (tieRule) => {
      const word = fc.oneof(
        fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 12 }),
        fc.string({ unit: fc.constantFrom('é', '字', 'x'), minLength: 1, maxLength: 5 }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(word, { maxLength: 30 }), async (words) => {
          const json = await trainBpe(words, { vocabSize: 276, pattern: '.+', minFrequency: 2, tieRule });
          const merges = mergesOf(json).map(([left, right]) => [latin1(left), latin1(right)]);
          // A token made twice has one id: the definition stops one merge earlier for each.
          expect(merges).toEqual(slowMerges(words, merges.length, tieRule, 2));
          const { vocab } = json.model as BpeSpec;
          expect(
            Object.keys(vocab).length === 276 || slowMerges(words, 99, tieRule, 2).length === merges.length,
          ).toBe(true);
        }),
        { numRuns: 200 },
      );
    },
  );

  it('gives bytes the ids of their values, then merges, then special tokens, which separate text', async () => {
    const json = await trainBpe('aaab<|end|>aaab', { vocabSize: 260, specialTokens: ['<|end|>'] });
    const { vocab } = json.model as BpeSpec;
    expect(vocab).toMatchObject({ a: 97, Ġ: 32, aa: 256, aaa: 257, aaab: 258, '<|end|>': 259 });
    expect(mergesOf(json)).toEqual([
      ['a', 'a'],
      ['aa', 'a'],
      ['aaa', 'b'],
    ]);
    expect(json.added_tokens).toMatchObject([{ id: 259, content: '<|end|>', special: true }]);
  });

  it('stops where pairs get rarer than minFrequency', async () => {
    const words = ['low', 'low', 'low', 'slow'];
    expect(mergesOf(await trainBpe(words, { vocabSize: 300, minFrequency: 5 }))).toEqual([]);
    expect(mergesOf(await trainBpe(words, { vocabSize: 300, minFrequency: 2 }))).toHaveLength(2);
    expect(mergesOf(await trainBpe(words, { vocabSize: 300, minFrequency: 1 }))).toHaveLength(3);
  });

  it('holds tokens that JavaScript objects treat specially', async () => {
    const json = await trainBpe(['__proto__', '__proto__'], { vocabSize: 300, pattern: '.+' });
    const { vocab } = JSON.parse(JSON.stringify(json)).model as BpeSpec;
    expect(Object.hasOwn(vocab, '__proto__')).toBe(true);
  });

  it('reads an async iterable once, reports progress, and stops when told', async () => {
    async function* corpus() {
      for (let i = 0; i < 200; i++) yield `${'word '.repeat(2000)}number${i} `;
    }
    const stages = new Set<string>();
    await trainBpe(corpus(), { vocabSize: 300, onProgress: ({ stage }) => stages.add(stage) });
    expect(stages).toContain('read');

    const abort = new AbortController();
    const onProgress = () => abort.abort(new Error('enough'));
    await expect(trainBpe(corpus(), { vocabSize: 300, onProgress, signal: abort.signal })).rejects.toThrow(
      'enough',
    );
  });

  it.each<[keyof BpeTrainingOptions, BpeTrainingOptions]>([
    ['vocabSize', { vocabSize: 255 }],
    ['vocabSize', { vocabSize: 300.5 }],
    ['vocabSize', { vocabSize: 256, specialTokens: ['<s>'] }],
    ['specialTokens', { vocabSize: 300, specialTokens: ['<s>', '<s>'] }],
    ['minFrequency', { vocabSize: 300, minFrequency: 0 }],
  ])('refuses a bad %s: %o', async (option, options) => {
    const error = await trainBpe('text', options).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TrainingOptionError);
    expect(error).toMatchObject({ option });
  });
});

describe('a trained tokenizer', () => {
  it.each(['gpt2', 'gpt4', 'o200k', String.raw`\w+|\s`])(
    'is read by Hugging Face with the same ids: %s',
    async (pattern) => {
      const text = "The cat's mat isn't 12345 long… and naïve cats sat!!\n\n  ÜBER 字字\r\n".repeat(4);
      const json = await trainBpe(text, { vocabSize: 320, pattern, specialTokens: ['<|end|>'] });
      const checked = new CheckedTokenizer(json);
      const tokenizer = createTokenizer(json);
      for (const sample of [text, 'cats <|end|> mats\u0085\ufeff', '', '  \n 99999']) {
        expect(await checked.encode(sample)).toEqual(tokenizer.encode(sample, { allowedSpecial: 'all' }));
      }
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    },
  );
});

describe.skipIf(!shared)(
  'trainBpe against published trainers (needs reference data: set MINIGPT_SHARED to its folder)',
  () => {
    const sharedText = (path: string) => readFileSync(`${shared}/${path}`, 'utf8');

    it("makes Stanford CS336's 243 merges, in order", async () => {
      const expected = sharedText('vectors/bpe-train-train-bpe-reference-merges.txt').trimEnd().split('\n');
      const json = await trainBpe(sharedText('vectors/bpe-train-corpus.en'), {
        vocabSize: 500,
        pattern: 'gpt2',
        specialTokens: ['<|endoftext|>'],
        tieRule: 'lexicographic',
      });
      expect(mergesOf(json).map((pair) => pair.join(' '))).toEqual(expected);
      const vocab = JSON.parse(sharedText('vectors/bpe-train-train-bpe-reference-vocab.json'));
      expect(new Set(Object.keys((json.model as BpeSpec).vocab))).toEqual(new Set(Object.keys(vocab)));
    });

    it("makes minbpe's merges, with minbpe's ids", async () => {
      const golden = JSON.parse(sharedText('vectors/minbpe-tinystories.json'));
      const stories = Object.values(JSON.parse(sharedText('corpora/tinystories_1000.json'))) as string[];
      const text = stories
        .filter((_, i) => i % 10 !== 0)
        .slice(0, 20)
        .join('\n');
      const json = await trainBpe(text, { vocabSize: golden.vocab_size, pattern: 'gpt4', minFrequency: 1 });
      const { vocab } = json.model as BpeSpec;
      expect(mergesOf(json).map(([left, right]) => [vocab[left], vocab[right]])).toEqual(golden.merges);

      const tokenizer = createTokenizer(json);
      const split = (isTest: boolean) => stories.filter((_, i) => (i % 10 === 0) === isTest).join('\n');
      const ids = tokenizer.encode(split(false));
      expect(ids.slice(0, 50)).toEqual(golden.train_first50);
      const longest = tokenizer.longestTokens(20).map(({ bytes }) => new TextDecoder().decode(bytes));
      expect(longest.map((token) => token.length)).toEqual(
        golden.longest20.map((token: string) => token.length),
      );
      expect(tokenizer.encode('hello world')).toEqual(golden.hello_world);
    });
  },
);
