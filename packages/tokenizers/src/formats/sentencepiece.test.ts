import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TokenizerFormatError, UnknownComponentError } from '../errors.ts';
import { CheckedTokenizer } from '../testing/checked-tokenizer.ts';
import { fuzzReader } from '../testing/fuzz.ts';
import { shared } from '../testing/shared.ts';
import { PieceType } from './piece-type.ts';
import { readSentencePiece } from './sentencepiece.ts';

/** A protobuf writer, enough for ModelProto. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}
const numberField = (field: number, value: number) => [...varint(field * 8), ...varint(value)];
const bytesField = (field: number, bytes: Iterable<number>) => {
  const content = [...bytes];
  return [...varint(field * 8 + 2), ...varint(content.length), ...content];
};
const floatField = (field: number, value: number) => [
  ...varint(field * 8 + 5),
  ...new Uint8Array(Float32Array.of(value).buffer),
];
const utf8 = (text: string) => new TextEncoder().encode(text);

interface Options {
  readonly modelType?: number;
  readonly byteFallback?: boolean;
  readonly suffix?: boolean;
  readonly addDummyPrefix?: boolean;
  readonly removeExtraWhitespaces?: boolean;
}

function modelFile(
  pieces: readonly (readonly [string, number, number])[],
  options: Options = {},
): Uint8Array {
  const { modelType = 2, byteFallback = false, suffix = false } = options;
  const { addDummyPrefix = true, removeExtraWhitespaces = false } = options;
  return Uint8Array.from([
    ...pieces.flatMap(([piece, score, type]) =>
      bytesField(1, [...bytesField(1, utf8(piece)), ...floatField(2, score), ...numberField(3, type)]),
    ),
    ...bytesField(2, [
      ...numberField(3, modelType),
      ...numberField(24, Number(suffix)),
      ...numberField(35, Number(byteFallback)),
    ]),
    ...bytesField(3, [
      ...numberField(3, Number(addDummyPrefix)),
      ...numberField(4, Number(removeExtraWhitespaces)),
    ]),
  ]);
}

const { normal, unknown, control, userDefined, unused, byte } = PieceType;
const BASE = [
  ['<unk>', 0, unknown],
  ['<s>', 0, control],
  ['</s>', 0, control],
] as const;
const SMALL = modelFile([
  ...BASE,
  ['<sep>', 0, userDefined],
  ['▁a', -1, normal],
  ['ab', -2, normal],
  ['▁', -3, normal],
  ['a', -4, normal],
  ['b', -5, normal],
]);

describe('readSentencePiece', () => {
  it('joins by score, leaves user-defined symbols alone, makes one token of unknown characters', async () => {
    const checked = new CheckedTokenizer(readSentencePiece(SMALL));
    expect(await checked.encode('ab')).toEqual([4, 8]);
    expect(await checked.encode('abab')).toEqual([4, 8, 5]);
    expect(await checked.encode('a<sep>ab xyz')).toEqual([4, 3, 5, 6, 0]);
    expect(await checked.encode('a', true)).toEqual([1, 4]);
    expect(await checked.decode([4, 3, 5, 6, 0])).toBe('a<sep>ab  ⁇ ');
  });

  it('removes extra spaces and adds the space at the end, where the model says so', async () => {
    const pieces = [...BASE, ['a', -1, normal], ['▁', -2, normal]] as const;
    const trimming = new CheckedTokenizer(
      readSentencePiece(modelFile(pieces, { removeExtraWhitespaces: true })),
    );
    expect(await trimming.encode('   a   a  ')).toEqual([4, 3, 4, 3]);
    expect(await trimming.encode('   ')).toEqual([]);
    const suffix = new CheckedTokenizer(readSentencePiece(modelFile(pieces, { suffix: true })));
    expect(await suffix.encode('a a')).toEqual([3, 4, 3, 4]);
    expect(await suffix.decode([3, 4, 3, 4])).toBe('a a');
    const plain = new CheckedTokenizer(readSentencePiece(modelFile(pieces, { addDummyPrefix: false })));
    expect(await plain.encode('a a')).toEqual([3, 4, 3]);
  });

  it('never reaches unused and byte pieces of a Unigram model through their spelling', async () => {
    const pieces = [
      ...BASE,
      ['<0x41>', 0, byte],
      ['unused', 0, unused],
      ...[...'<0x41>unsed'].map((c) => [c, -8, normal] as const),
    ] as const;
    const distinct = pieces.filter(([piece], i) => pieces.findIndex(([other]) => other === piece) === i);
    const json = readSentencePiece(modelFile(distinct, { modelType: 1, addDummyPrefix: false }));
    const checked = new CheckedTokenizer(json);
    expect(await checked.encode('<0x41>')).toHaveLength(6);
    expect(await checked.encode('unused')).toHaveLength(6);
  });

  it('adds BOS and EOS as asked', async () => {
    const ids = (options: { addBos?: boolean; addEos?: boolean }) =>
      new CheckedTokenizer(readSentencePiece(SMALL, options)).encode('a', true);
    expect(await ids({ addBos: false })).toEqual([4]);
    expect(await ids({ addEos: true })).toEqual([1, 4, 2]);
  });

  it.each<[string, Uint8Array, string]>([
    ['no pieces', new Uint8Array(0), 'no pieces'],
    ['a length past the end', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0x7f), 'past the end'],
    ['an endless number', new Uint8Array(20).fill(0xff), 'longer than ten bytes'],
    ['a wire type of no kind', Uint8Array.of(0x0f), 'wire type 7'],
    ['a piece twice', modelFile([...BASE, ['a', -1, normal], ['a', -2, normal]]), 'two ids, 3 and 4'],
    ['a score that is not a number', modelFile([['a', Number.NaN, normal]]), 'score of piece 0'],
    ['bytes that are not UTF-8', Uint8Array.from(bytesField(1, bytesField(1, [0xff]))), 'not UTF-8'],
    ['a Unigram model without unknown', modelFile([['a', -1, normal]], { modelType: 1 }), 'type unknown'],
  ])('refuses %s', (_, bytes, reason) => {
    expect(() => readSentencePiece(bytes)).toThrow(TokenizerFormatError);
    expect(() => readSentencePiece(bytes)).toThrow(reason);
  });

  it('names a model type that it does not have', () => {
    expect(() => readSentencePiece(modelFile(BASE, { modelType: 3 }))).toThrow(UnknownComponentError);
  });

  it('answers damaged files with a typed error', () => fuzzReader(SMALL, readSentencePiece));

  it('takes a hostile vocabulary of nested pieces in bounded time', () => {
    const nested = Array.from({ length: 3000 }, (_, i) => ['a'.repeat(i + 1), -i, normal] as const);
    const file = modelFile(nested);
    const start = performance.now();
    readSentencePiece(file);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe.skipIf(!shared)(
  'readSentencePiece on published models (needs reference data: set MINIGPT_SHARED to its folder)',
  () => {
    const read = (path: string) => readSentencePiece(readFileSync(`${shared}/${path}`));

    it("gives Mistral's ids", async () => {
      const checked = new CheckedTokenizer(read('tokenizers/mistral-v1.model'));
      expect(await checked.encode('Can you write an email explaining what an LLM is?', true)).toEqual([
        1, 2418, 368, 3324, 396, 4927, 20400, 767, 396, 16704, 28755, 349, 28804,
      ]);
    });

    it("gives llama.cpp's ids for Llama 2", async () => {
      const checked = new CheckedTokenizer(read('tokenizers/llama2.model'));
      const vectors = (extension: string) =>
        readFileSync(`${shared}/vectors/llamacpp-llama-spm.${extension}`, 'utf8');
      const texts = vectors('inp').split('\n__ggml_vocab_test__\n');
      const lines = vectors('out').split('\n');
      for (const [i, text] of texts.entries()) {
        const ids = lines[i]!.trim().split(' ').filter(Boolean).map(Number);
        expect(await checked.encode(text), JSON.stringify(text)).toEqual(ids);
      }
    });
  },
);
