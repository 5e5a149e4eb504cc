import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MergeTable } from './bpe/merge-table.ts';
import { Symbols } from './bpe/symbols.ts';
import {
  createTokenizer,
  DisallowedSpecialTokenError,
  InvalidUtf8Error,
  loadTokenizer,
  PatternError,
  TargetArrayError,
  TokenIdError,
  TokenizerError,
  TokenizerFormatError,
  type TokenizerJson,
  UnknownComponentError,
} from './index.ts';
import { loadEncoding } from './node.ts';
import { WordCache } from './scan/word-cache.ts';
import { fuzzReader } from './testing/fuzz.ts';

const BPE: TokenizerJson = {
  version: '1.0',
  added_tokens: [{ id: 5, content: '<|end|>', special: true, normalized: false }],
  normalizer: { type: 'NFC' },
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2, aba: 3, Ġ: 4 }, merges: ['a b', 'ab a'] },
};
const withModel = (model: object) => ({ ...BPE, model: { ...BPE.model, ...model } }) as TokenizerJson;

describe('special tokens', () => {
  const tokenizer = createTokenizer(BPE);
  it('are refused unless allowed, by an error that says how to allow them', () => {
    expect(() => tokenizer.encode('ab<|end|>')).toThrow(DisallowedSpecialTokenError);
    expect(() => tokenizer.encode('ab<|end|>')).toThrow('allowedSpecial: ["<|end|>"]');
    expect(tokenizer.encode('ab<|end|>', { allowedSpecial: ['<|end|>'] })).toEqual([2, 5]);
    expect(tokenizer.encode('ab<|end|>', { allowedSpecial: 'all' })).toEqual([2, 5]);
    expect(tokenizer.encode('ab<|end|>', { disallowedSpecial: [] })).toEqual([2]);
  });
  it('are left out of a text on request', () => {
    expect(tokenizer.decode([2, 5, 0])).toBe('ab<|end|>a');
    expect(tokenizer.decode([2, 5, 0], { skipSpecialTokens: true })).toBe('aba');
  });
});

describe('ids', () => {
  it('out of range are named', () => {
    const tokenizer = createTokenizer(BPE);
    expect(() => tokenizer.decode([0, 99])).toThrow(new TokenIdError(99, 6, 1).message);
    expect(() => tokenizer.decode([-1])).toThrow(TokenIdError);
    expect(() => tokenizer.decode([0.5])).toThrow(TokenIdError);
    expect(() => tokenizer.tokenBytes(7)).toThrow(TokenIdError);
  });

  it('that are no UTF-8 are replaced, or an error in strict decoding', async () => {
    const tokenizer = await loadEncoding('gpt2');
    const [first] = tokenizer.encode('\u{1f433}');
    expect(tokenizer.decode([first!])).toBe('\ufffd');
    expect(() => tokenizer.decode([first!], { errors: 'strict' })).toThrow(InvalidUtf8Error);
  });

  it('go into a typed array that has room for them', () => {
    const tokenizer = createTokenizer(BPE);
    const target = new Uint16Array(5);
    expect(tokenizer.encodeInto('aba ab', target, 1)).toBe(3);
    expect([...target]).toEqual([0, 3, 4, 2, 0]);
    expect(() => tokenizer.encodeInto('aba ab', new Uint16Array(2))).toThrow(TargetArrayError);
  });
});

describe('a tokenizer.json that contradicts itself', () => {
  it.each<
    [string, TokenizerJson, typeof TokenizerFormatError | typeof UnknownComponentError | typeof PatternError]
  >([
    ['a merge of a token that does not exist', withModel({ merges: ['a z'] }), TokenizerFormatError],
    ['a merge whose result does not exist', withModel({ merges: ['b a'] }), TokenizerFormatError],
    ['a merge of three', withModel({ merges: ['a b a'] }), TokenizerFormatError],
    ['one id twice', withModel({ vocab: { a: 0, b: 0 } }), TokenizerFormatError],
    ['a gigantic id', withModel({ vocab: { a: 4e9 } }), TokenizerFormatError],
    ['a negative id', withModel({ vocab: { a: -1 } }), TokenizerFormatError],
    ['an unknown model', withModel({ type: 'BPE2' }), UnknownComponentError],
    ['dropout', withModel({ dropout: 0.1 }), UnknownComponentError],
    ['an unknown normalizer', { ...BPE, normalizer: { type: 'Zap' } as never }, UnknownComponentError],
    ['an unknown pre-tokenizer', { ...BPE, pre_tokenizer: { type: 'Zap' } as never }, UnknownComponentError],
    ['an unknown decoder', { ...BPE, decoder: { type: 'Zap' } as never }, UnknownComponentError],
    [
      'an unknown post-processor',
      { ...BPE, post_processor: { type: 'Zap' } as never },
      UnknownComponentError,
    ],
    [
      'an added token of an id in use',
      { ...BPE, added_tokens: [{ id: 0, content: '<s>' }] },
      TokenizerFormatError,
    ],
    [
      'a pattern that does not parse',
      {
        ...BPE,
        pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated', invert: false },
      },
      PatternError,
    ],
  ])('%s is a typed error', (_, json, error) => {
    expect(() => createTokenizer(json)).toThrow(error);
  });

  it.each([null, 1, 'x', [], {}, { model: null }, { model: 1 }, { model: {} }, { model: { type: 'BPE' } }])(
    '%j is a typed error',
    (json) => {
      expect(() => loadTokenizer(JSON.stringify(json))).toThrow(TokenizerError);
    },
  );

  it('is a typed error whatever was put in the place of a value', () => {
    const paths: (readonly (string | number)[])[] = [];
    const walk = (value: unknown, path: readonly (string | number)[]) => {
      paths.push(path);
      if (typeof value === 'object' && value !== null) {
        for (const [key, child] of Object.entries(value))
          walk(child, [...path, Array.isArray(value) ? Number(key) : key]);
      }
    };
    walk(BPE, []);
    const junk = fc.constantFrom<unknown>(
      null,
      -1,
      0.5,
      1e300,
      '',
      'x',
      [],
      {},
      [null],
      [[]],
      { type: 'Sequence' },
      true,
    );
    fc.assert(
      fc.property(fc.constantFrom(...paths.slice(1)), junk, (path, value) => {
        const json = structuredClone(BPE) as unknown as Record<string | number, unknown>;
        let at = json;
        for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
        at[path.at(-1)!] = value;
        try {
          const tokenizer = createTokenizer(json as unknown as TokenizerJson);
          tokenizer.encode('aba ba', { allowedSpecial: 'all' });
          tokenizer.decode([0, 1]);
        } catch (error) {
          if (!(error instanceof TokenizerError)) throw error;
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('as bytes that were damaged is a typed error within a second', () => {
    fuzzReader(new TextEncoder().encode(JSON.stringify(BPE)), (bytes) => loadTokenizer(bytes));
  });
});

describe('merging', () => {
  it('by rank gives what merging by scanning gives, whatever the table', () => {
    const id = fc.nat({ max: 9 });
    const merges = fc.array(fc.tuple(id, id, id), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(merges, fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 40 }), (list, ids) => {
        const table = new MergeTable(list.length);
        for (const [rank, [left, right, result]] of list.entries()) table.set(left, right, rank, result);
        const scanned = new Symbols();
        const ranked = new Symbols();
        for (const symbol of ids) {
          scanned.push(symbol);
          ranked.push(symbol);
        }
        scanned.merge(table);
        ranked.mergeByRank(table);
        expect([...ranked.ids.slice(0, ranked.length)]).toEqual([...scanned.ids.slice(0, scanned.length)]);
        expect([...ranked.firsts.slice(0, ranked.length)]).toEqual([
          ...scanned.firsts.slice(0, scanned.length),
        ]);
      }),
      { numRuns: 2000 },
    );
  });

  it('of a long run takes time near its length', async () => {
    const tokenizer = await loadEncoding('cl100k_base');
    const time = (length: number) => {
      const started = performance.now();
      tokenizer.count('ab'.repeat(length / 2));
      return performance.now() - started;
    };
    time(20_000);
    const short = Math.min(time(20_000), time(20_000), time(20_000));
    const long = Math.min(time(160_000), time(160_000), time(160_000));
    // Eight times the length; a quadratic way would take 64 times as long.
    expect(long / short).toBeLessThan(30);
  });
});

describe('the word cache', () => {
  const viewOf = (word: string) => {
    const view = new DataView(new ArrayBuffer(word.length + 8));
    for (let i = 0; i < word.length; i++) view.setUint8(i, word.charCodeAt(i));
    return view;
  };
  /** Adds a word of one or two ids, which the cache is to know from then on. */
  const addWord = (cache: WordCache, word: string, i: number) => {
    const view = viewOf(word);
    const found = Int32Array.of(-1, -1);
    if (cache.emit(view, 0, word.length, found, 0) >= 0) throw new Error(`${word} cannot be known yet`);
    const count = 1 + (i % 2);
    cache.add(view, 0, word.length, Int32Array.of(i, i + 1), count);
    const at = cache.emit(view, 0, word.length, found, 0);
    if (at !== count || found[0] !== i || found[1] !== (count === 1 ? -1 : i + 1))
      throw new Error(`${word} has other ids`);
  };

  it.each([
    ['short', (i: number) => i.toString(36)],
    ['long', (i: number) => `a longer word ${i}`],
  ])('does not grow without bound, and stays right when it begins anew: %s words', (_, word) => {
    const cache = new WordCache();
    let most = 0;
    for (let i = 0; i < 200_000; i++) {
      addWord(cache, word(i), i);
      most = Math.max(most, cache.size);
    }
    expect(most).toBeGreaterThan(100_000);
    expect(most).toBeLessThanOrEqual(131_072);
  });

  it('keeps few of many words that were made to have one hash', () => {
    // Solved for the second four bytes, by the inverse of the hash's second factor modulo 2 ** 32.
    const second = (first: number) => Math.imul(Math.imul(first, 0x9e3779b1), 0xa5cb9243);
    const cache = new WordCache();
    for (let i = 1; i < 1000; i++) {
      const bytes = new Uint8Array(Int32Array.of(i, second(i)).buffer);
      addWord(cache, String.fromCharCode(...bytes), i);
    }
    expect(cache.size).toBe(16);
  });
});
