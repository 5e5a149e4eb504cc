import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SPLIT_PATTERNS } from './formats/split-patterns.ts';
import {
  createTokenizer,
  type EncodingName,
  loadTokenizer,
  type Tokenizer,
  type TokenizerSpec,
  trainBpe,
} from './index.ts';
import { loadEncoding } from './node.ts';
import { compilePattern } from './regex/pattern.ts';
import type { Scanner } from './scan/scanner.ts';
import { gpt2Scanner, gpt4Scanner, o200kScanner } from './scan/scanners.ts';
import { WordReader } from './scan/word-reader.ts';
import { hasNative, NativeTokenizer } from './testing/native.ts';
import { shared } from './testing/shared.ts';
import { mobyDick, pythonSources, settledText, unicodeText } from './testing/texts.ts';

const ENCODINGS: readonly EncodingName[] = ['gpt2', 'p50k_base', 'cl100k_base', 'o200k_base'];
const all = { allowedSpecial: 'all' } as const;

/** Documents of about 8,000 characters. */
function documents(text: string): string[] {
  return text.match(/[\s\S]{1,8000}/gu) ?? [];
}

describe("tiktoken's ids", async () => {
  const tiktoken = await import('tiktoken');
  const python = pythonSources(2_000_000);

  describe.each(ENCODINGS)('%s', async (name) => {
    const ours = await loadEncoding(name);
    const theirs = tiktoken.get_encoding(name);
    const check = (text: string) => {
      const wanted = Array.from(theirs.encode(text, [], []));
      expect(ours.encode(text, { disallowedSpecial: [] })).toEqual(wanted);
    };

    it('on Moby Dick', { timeout: 60_000 }, () => {
      for (const document of documents(mobyDick())) check(document);
    });

    it.skipIf(!python)("on Python's library (needs python3)", { timeout: 60_000 }, () => {
      for (const document of python!.flatMap(documents)) check(document);
    });

    it('on random Unicode', { timeout: 60_000 }, () => {
      fc.assert(fc.property(settledText, check), { numRuns: 500 });
    });
  });
});

describe('scanners', () => {
  const scanners: [string, string, Scanner][] = [
    ['gpt2', SPLIT_PATTERNS.gpt2, gpt2Scanner(false)],
    [
      'gpt2 between digits',
      SPLIT_PATTERNS.gpt2.replace(String.raw` ?\p{N}+`, String.raw`\p{N}|\s+(?=\p{N})`),
      gpt2Scanner(true),
    ],
    ['gpt4', SPLIT_PATTERNS.gpt4, gpt4Scanner(3)],
    ['qwen2', SPLIT_PATTERNS.gpt4.replace('{1,3}', ''), gpt4Scanner(1)],
    ['o200k', SPLIT_PATTERNS.o200k, o200kScanner()],
  ];
  it.each(scanners)('cut as the expression does: %s', (_, pattern, scanner) => {
    const find = compilePattern(pattern);
    const reader = new WordReader(scanner);
    fc.assert(
      fc.property(unicodeText, (text) => {
        const ends: number[] = [];
        reader.readUnits(text, (_, end) => ends.push(end));
        expect(ends).toEqual([...find(text)].map(([, end]) => end));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a text longer than what is read at once', () => {
  const start = mobyDick().slice(0, 30_000);
  const model = trainBpe(start, { vocabSize: 600 });
  const withPattern = async (Regex: string) =>
    createTokenizer({
      ...(await model),
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
        ],
      },
    });

  it.each(['gpt2', 'gpt4', 'o200k'] as const)(
    'is cut as a regular expression cuts it whole: %s',
    async (name) => {
      const pattern = SPLIT_PATTERNS[name];
      const scanned = await withPattern(pattern);
      const matched = await withPattern(`(?:${pattern})`); // spelled so that no scanner knows it
      fc.assert(
        fc.property(
          unicodeText,
          fc.constantFrom(' ', '\n', ' \n', 'A', '7', 'é', '字', '\u{1f600}'),
          (text, filler) => {
            const long = [text, filler.repeat(20_000), start, text, filler.repeat(40_000), text].join('a\n');
            expect(scanned.encode(long, all)).toEqual(matched.encode(long, all));
          },
        ),
        { numRuns: 8 },
      );
    },
  );
});

describe.skipIf(!hasNative)("Hugging Face's ids (needs the native binding of tokenizers)", () => {
  const compare = async (ours: Tokenizer, text: string, theirs: NativeTokenizer) => {
    expect(ours.encode(text, all)).toEqual(await theirs.encode(text));
  };

  describe.skipIf(!shared)(
    'of tokenizers that were loaded (needs reference data: set MINIGPT_SHARED to its folder)',
    () => {
      it.each([
        'tokenizers/starcoder2',
        'golden/tokenizers/bpe-gpt4split-1000/tokenizer',
        'golden/tokenizers/bpe-llama2style-900/tokenizer',
        'golden/tokenizers/unigram-metaspace-1000/tokenizer',
        'golden/tokenizers/wordpiece-1000/tokenizer',
        'golden/tokenizers/wordlevel-1500/tokenizer',
      ])('%s', { timeout: 120_000 }, async (name) => {
        const path = `${shared}/${name.includes('starcoder') ? `${name}.tokenizer` : name}.json`;
        const json = JSON.parse(readFileSync(path, 'utf8'));
        const ours = loadTokenizer(json);
        const theirs = new NativeTokenizer(json);
        for (const document of documents(mobyDick().slice(0, 200_000))) await compare(ours, document, theirs);
        await fc.assert(
          fc.asyncProperty(settledText, (text) => compare(ours, text, theirs)),
          { numRuns: 500 },
        );
      });
    },
  );

  it('of an encoding of ranks that was saved as merges', { timeout: 120_000 }, async () => {
    const ours = await loadEncoding('cl100k_base');
    const json = ours.toJSON();
    const theirs = new NativeTokenizer(json);
    const reloaded = createTokenizer(json);
    for (const document of documents(mobyDick().slice(0, 100_000))) {
      await compare(ours, document, theirs);
      expect(reloaded.encode(document)).toEqual(ours.encode(document));
    }
  });

  // One specification for each component that no golden tokenizer has.
  const letters = [..." abcdefghijklmnopqrstuvwxyzABC0123456789.,!?'-▁éß中"].map((c, id) => [c, id] as const);
  const wordLevel: TokenizerSpec['model'] = {
    type: 'WordLevel',
    vocab: Object.fromEntries([...letters, ['ab', 100], ['a b', 101], ['<unk>', 102]]),
    unk_token: '<unk>',
  };
  const components: [string, Partial<TokenizerSpec>][] = [
    ['Punctuation', { pre_tokenizer: { type: 'Punctuation', behavior: 'MergedWithPrevious' } }],
    ['Digits', { pre_tokenizer: { type: 'Digits', individual_digits: false } }],
    ['WhitespaceSplit', { pre_tokenizer: { type: 'WhitespaceSplit' } }],
    ['CharDelimiterSplit', { pre_tokenizer: { type: 'CharDelimiterSplit', delimiter: 'a' } }],
    [
      'Split contiguous',
      {
        pre_tokenizer: { type: 'Split', pattern: { Regex: '[a\\s]' }, behavior: 'Contiguous', invert: false },
      },
    ],
    [
      'Split next',
      {
        pre_tokenizer: { type: 'Split', pattern: { String: 'a' }, behavior: 'MergedWithNext', invert: true },
      },
    ],
    [
      'Metaspace first',
      { pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true } },
    ],
    [
      'StripAccents',
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'NFD' }, { type: 'StripAccents' }] } },
    ],
    ['Lowercase', { normalizer: { type: 'Lowercase' }, pre_tokenizer: { type: 'BertPreTokenizer' } }],
    ['Strip', { normalizer: { type: 'Strip', strip_left: true, strip_right: true } }],
    ['Nmt', { normalizer: { type: 'Nmt' } }],
    ['NFKC', { normalizer: { type: 'NFKC' }, pre_tokenizer: { type: 'Whitespace' } }],
    ['NFKD', { normalizer: { type: 'NFKD' }, pre_tokenizer: { type: 'Whitespace' } }],
    ['NFC', { normalizer: { type: 'NFC' }, pre_tokenizer: { type: 'Whitespace' } }],
  ];
  it.each(components)('and offsets with %s', { timeout: 60_000 }, async (_, parts) => {
    const spec = { version: '1.0', added_tokens: [], model: wordLevel, ...parts } as const;
    const ours = createTokenizer(spec);
    const theirs = new NativeTokenizer(ours.toJSON());
    await fc.assert(
      fc.asyncProperty(settledText, async (text) => {
        await compare(ours, text, theirs);
        const encoding = ours.encodeWithOffsets(text);
        expect(encoding.ids).toEqual(ours.encode(text));
      }),
      { numRuns: 200 },
    );
  });
});

describe('round trips of well-formed Unicode', () => {
  it.each(ENCODINGS)('%s', async (name) => {
    const tokenizer = await loadEncoding(name);
    fc.assert(
      fc.property(unicodeText, (text) => {
        const ids = tokenizer.encode(text);
        expect(tokenizer.decode(ids, { errors: 'strict' })).toBe(text);
        expect(tokenizer.count(text)).toBe(ids.length);
        expect(tokenizer.encodeWithOffsets(text).ids).toEqual(ids);
        const stream = tokenizer.streamingDecoder();
        const parts = ids.map((id) => stream.push(id));
        expect(parts.join('') + stream.flush()).toBe(text);
        if (!text.includes('\ufffd')) for (const part of parts) expect(part).not.toContain('\ufffd');
      }),
      { numRuns: 300 },
    );
  });

  it('reads a lone surrogate as TextEncoder does', async () => {
    const tokenizer = await loadEncoding('cl100k_base');
    expect(tokenizer.encode('a\ud800b \udc00')).toEqual(tokenizer.encode('a\ufffdb \ufffd'));
  });
});
