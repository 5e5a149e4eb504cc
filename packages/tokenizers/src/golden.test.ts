import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTokenizer, loadTokenizer, type Tokenizer } from './index.ts';
import { loadEncoding } from './node.ts';
import { shared } from './testing/shared.ts';

interface Golden {
  vocab_size: number;
  cases: {
    text: string;
    ids: number[];
    tokens?: string[];
    pieces?: string[];
    offsets?: [number, number][];
    ids_with_special?: number[];
    decoded: string;
    decoded_skip_special?: string;
    decoded_with_special?: string;
  }[];
}

const read = (path: string) => readFileSync(`${shared}/${path}`, 'utf8');
const readBytes = (path: string) => new Uint8Array(readFileSync(`${shared}/${path}`));
const all = { allowedSpecial: 'all' } as const;

/** Offsets in code points as offsets in UTF-16 units. */
function toUnits(text: string, offsets: readonly [number, number][]): [number, number][] {
  const units = [0];
  for (const character of text) units.push(units.at(-1)! + character.length);
  return offsets.map(([start, end]) => [units[start]!, units[end]!]);
}

describe.skipIf(!shared)(
  "Hugging Face's answers (needs reference data: set MINIGPT_SHARED to its folder)",
  () => {
    describe.each([
      'bpe-bytelevel-2048',
      'bpe-bytelevel-512',
      'bpe-gpt4split-1000',
      'bpe-llama2style-900',
      'unigram-metaspace-1000',
      'wordlevel-1500',
      'wordpiece-1000',
    ])('%s', (name) => {
      if (!shared) return;
      const tokenizer = loadTokenizer(read(`golden/tokenizers/${name}/tokenizer.json`));
      const golden: Golden = JSON.parse(read(`golden/tokenizers/${name}/golden.json`));
      const saved = createTokenizer(JSON.parse(JSON.stringify(tokenizer)));

      it('has the same vocabulary size', () => {
        expect(tokenizer.vocabSize).toBe(golden.vocab_size);
      });

      it.each(golden.cases)('$text', (wanted) => {
        const { text } = wanted;
        const encoding = tokenizer.encodeWithOffsets(text, all);
        expect(tokenizer.encode(text, all)).toEqual(wanted.ids);
        expect(tokenizer.count(text, all)).toBe(wanted.ids.length);
        expect(saved.encode(text, all)).toEqual(wanted.ids);
        expect(encoding.ids).toEqual(wanted.ids);
        expect(encoding.tokens).toEqual(wanted.tokens);
        expect(encoding.offsets).toEqual(toUnits(text, wanted.offsets!));
        expect(tokenizer.encode(text, { ...all, addSpecialTokens: true })).toEqual(wanted.ids_with_special);
        expect(tokenizer.decode(wanted.ids)).toBe(wanted.decoded);
        expect(tokenizer.decode(wanted.ids_with_special!)).toBe(wanted.decoded_with_special);
        expect(tokenizer.decode(wanted.ids_with_special!, { skipSpecialTokens: true })).toBe(
          wanted.decoded_skip_special,
        );
      });
    });
  },
);

describe.skipIf(!shared)(
  "SentencePiece's answers (needs reference data: set MINIGPT_SHARED to its folder)",
  () => {
    describe.each(['sp-bpe-800', 'sp-unigram-800'])('%s', (name) => {
      if (!shared) return;
      const tokenizer = loadTokenizer(readBytes(`golden/tokenizers/${name}/tokenizer.model`));
      const golden: Golden = JSON.parse(read(`golden/tokenizers/${name}/golden.json`));

      it.each(golden.cases)('$text', ({ text, ids, pieces, decoded }) => {
        // SentencePiece reads control pieces such as <s> as ordinary text.
        const options = { disallowedSpecial: [] };
        expect(tokenizer.encode(text, options)).toEqual(ids);
        expect(tokenizer.encodeWithOffsets(text, options).ids).toEqual(ids);
        expect(tokenizer.encodeWithOffsets(text, options).tokens.length).toBe(pieces!.length);
        expect(tokenizer.decode(ids)).toBe(decoded);
      });
    });
  },
);

/** llama.cpp's vectors: texts, and a line of ids for each. */
function llamaCpp(name: string): { text: string; ids: number[] }[] {
  const texts = read(`vectors/llamacpp-${name}.inp`).split('\n__ggml_vocab_test__\n');
  const lines = read(`vectors/llamacpp-${name}.out`).replace(/\n$/, '').split('\n');
  return lines.map((line, i) => ({
    text: texts[i]!,
    ids: line.trim() === '' ? [] : line.trim().split(/ +/).map(Number),
  }));
}

describe.skipIf(!shared)(
  "llama.cpp's vectors (needs reference data: set MINIGPT_SHARED to its folder)",
  () => {
    if (!shared) return;
    const check = (tokenizer: Tokenizer, { text, ids }: { text: string; ids: number[] }) => {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.encodeWithOffsets(text).ids).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(text);
    };
    const starcoder = loadTokenizer(read('tokenizers/starcoder2.tokenizer.json'));
    it.each(llamaCpp('starcoder'))('starcoder2: $text', (wanted) => check(starcoder, wanted));
    const llama = loadTokenizer(readBytes('tokenizers/llama2.model'));
    it.each(llamaCpp('llama-spm'))('llama 2: $text', (wanted) => check(llama, wanted));
    const gpt2 = loadEncoding('gpt2');
    it.each(llamaCpp('gpt-2'))('gpt-2: $text', async (wanted) => check(await gpt2, wanted));
  },
);

describe.skipIf(!shared)(
  'published checkpoints (needs reference data: set MINIGPT_SHARED to its folder)',
  () => {
    it("gives StarCoder2's ids", () => {
      const tokenizer = loadTokenizer(read('tokenizers/starcoder2.tokenizer.json'));
      const encoding = tokenizer.encodeWithOffsets('\ndef generate_subsets(');
      expect(encoding.ids).toEqual([222, 610, 4468, 100, 1133, 2047, 45]);
      expect(encoding.tokens).toEqual(['Ċ', 'def', 'Ġgenerate', '_', 'sub', 'sets', '(']);
      // Half, a Roman and an Arabic number: every numeric character stands alone.
      expect(
        tokenizer.encodeWithOffsets('x½Ⅻ٣12').offsets.map(([start, end]) => 'x½Ⅻ٣12'.slice(start, end)),
      ).toEqual(expect.arrayContaining(['½', 'Ⅻ', '٣', '1', '2']));
    });

    it("gives Mistral's ids", () => {
      const tokenizer = loadTokenizer(readBytes('tokenizers/mistral-v1.model'));
      const ids = tokenizer.encode('Can you write an email explaining what an LLM is?', {
        addSpecialTokens: true,
      });
      expect(ids).toEqual([1, 2418, 368, 3324, 396, 4927, 20400, 767, 396, 16704, 28755, 349, 28804]);
    });
  },
);

describe('U+0085 is white space and U+FEFF is not, as in Rust', () => {
  it.each(['gpt2', 'cl100k_base'] as const)('%s', async (name) => {
    const tokenizer = await loadEncoding(name);
    expect(tokenizer.encode(' \x850')).toEqual([220, 126, 227, 15]);
  });
});
