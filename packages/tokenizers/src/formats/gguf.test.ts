import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenizerError, TokenizerFormatError, UnknownComponentError } from '../errors.ts';
import { CheckedTokenizer } from '../testing/checked-tokenizer.ts';
import { type GgufMetadata, readGgufVocabulary } from './gguf.ts';
import { GGUF_PRE_TOKENIZERS } from './gguf-split-patterns.ts';

const metadata = (keys: Record<string, unknown>): GgufMetadata =>
  Object.fromEntries(Object.entries(keys).map(([key, value]) => [`tokenizer.ggml.${key}`, value]));

const LLAMA = metadata({
  model: 'llama',
  tokens: ['<unk>', '<s>', '</s>', '<0x21>', '▁a', '▁', 'a', 'b', '<|user|>'],
  scores: Float32Array.of(0, 0, 0, 0, -1, -2, -3, -4, 0),
  token_type: Int32Array.of(2, 3, 3, 6, 1, 1, 1, 1, 4),
  bos_token_id: 1,
  eos_token_id: 2,
});
const GPT2 = metadata({
  model: 'gpt2',
  pre: 'smollm',
  tokens: ['<|im_start|>', 'a', '1', 'Ġ', 'Ġa', 'Ċ', 'ĊĊ', '11'],
  token_type: [3, 1, 1, 1, 1, 1, 1, 1],
  merges: ['Ġ a', 'Ċ Ċ', '1 1'],
  bos_token_id: 0,
});
const BERT = metadata({
  model: 'bert',
  tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '▁un', 'able', '▁able', '▁a'],
  token_type: [3, 3, 3, 3, 1, 1, 1, 1],
  cls_token_id: 2,
  seperator_token_id: 3,
  unknown_token_id: 1,
});
const T5 = metadata({
  model: 't5',
  tokens: ['<pad>', '</s>', '<unk>', '▁a', 'b', '▁'],
  scores: [0, 0, 0, -2, -3, -4],
  token_type: [3, 3, 2, 1, 1, 1],
  eos_token_id: 1,
  remove_extra_whitespaces: true,
});

describe('readGgufVocabulary', () => {
  it('llama: SentencePiece BPE, BOS unless told otherwise, user-defined tokens found in text', async () => {
    const checked = new CheckedTokenizer(readGgufVocabulary(LLAMA));
    expect(await checked.encode('aa!', true)).toEqual([1, 4, 6, 3]);
    expect(await checked.encode('a<|user|>b')).toEqual([4, 8, 7]);
    const bare = readGgufVocabulary({ ...LLAMA, 'tokenizer.ggml.add_bos_token': false });
    expect(await new CheckedTokenizer(bare).encode('a', true)).toEqual([4]);
  });

  it('gpt2: byte-level BPE with the split of `pre`', async () => {
    const checked = new CheckedTokenizer(readGgufVocabulary(GPT2));
    expect(await checked.encode('\n\n1 a11<|im_start|>', true)).toEqual([6, 2, 4, 2, 2, 0]);
    const gpt2 = readGgufVocabulary({
      ...GPT2,
      'tokenizer.ggml.pre': 'gpt-2',
      'tokenizer.ggml.add_bos_token': true,
    });
    expect(await new CheckedTokenizer(gpt2).encode('11', true)).toEqual([0, 7]);
  });

  it('bert: WordPiece, its continuations spelled back', async () => {
    const checked = new CheckedTokenizer(readGgufVocabulary(BERT));
    expect(await checked.encode('Unable able xyz', true)).toEqual([2, 4, 5, 6, 1, 3]);
  });

  it('t5: Unigram, EOS unless told otherwise', async () => {
    const checked = new CheckedTokenizer(readGgufVocabulary(T5));
    expect(await checked.encode('  a  ab ', true)).toEqual([3, 3, 4, 1]);
  });

  it.each(Object.keys(GGUF_PRE_TOKENIZERS))('the split of %s is one that Hugging Face reads', async (pre) => {
    const checked = new CheckedTokenizer(readGgufVocabulary({ ...GPT2, 'tokenizer.ggml.pre': pre }));
    expect(await checked.encode('a')).toEqual([1]);
  });

  it('names what it does not know', () => {
    expect(() => readGgufVocabulary(metadata({ model: 'rwkv', tokens: ['a'] }))).toThrow(
      UnknownComponentError,
    );
    expect(() => readGgufVocabulary({ ...GPT2, 'tokenizer.ggml.pre': 'martian' })).toThrow('martian');
    expect(() => readGgufVocabulary({ ...GPT2, 'tokenizer.ggml.pre': 'toString' })).toThrow(
      UnknownComponentError,
    );
  });

  it.each<[string, GgufMetadata, string]>([
    ['no tokens', {}, 'tokenizer.ggml.tokens'],
    ['tokens that are not strings', { 'tokenizer.ggml.tokens': [1] }, 'an array of strings'],
    ['a token twice', { ...GPT2, 'tokenizer.ggml.tokens': Array(8).fill('a') }, 'the ids 0 and 1'],
    ['too few scores', { ...LLAMA, 'tokenizer.ggml.scores': [1] }, 'an array of 9 numbers'],
    ['scores that are not finite', { ...LLAMA, 'tokenizer.ggml.scores': Array(9).fill(Infinity) }, 'finite'],
    ['no merges', { ...GPT2, 'tokenizer.ggml.merges': undefined }, 'tokenizer.ggml.merges'],
    ['a merge of one token', { ...GPT2, 'tokenizer.ggml.merges': ['a'] }, 'unlike "a"'],
    ['a flag that is none', { ...GPT2, 'tokenizer.ggml.add_bos_token': 1 }, 'true or false'],
  ])('refuses %s', (_, bad, reason) => {
    expect(() => readGgufVocabulary(bad)).toThrow(TokenizerFormatError);
    expect(() => readGgufVocabulary(bad)).toThrow(reason);
  });

  it('answers damaged metadata with a typed error', () => {
    const value = fc.oneof(fc.anything(), fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 9 }));
    const key = fc.constantFrom(...Object.keys({ ...LLAMA, ...GPT2, ...BERT, ...T5 }));
    const base = fc.constantFrom(LLAMA, GPT2, BERT, T5);
    fc.assert(
      fc.property(base, fc.dictionary(key, value, { maxKeys: 3 }), (valid, changes) => {
        try {
          readGgufVocabulary({ ...valid, ...changes });
        } catch (error) {
          expect(error).toBeInstanceOf(TokenizerError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
