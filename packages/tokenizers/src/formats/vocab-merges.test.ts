import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenizerError, TokenizerFormatError } from '../errors.ts';
import { CheckedTokenizer } from '../testing/checked-tokenizer.ts';
import { readVocabAndMerges } from './vocab-merges.ts';

const VOCAB = JSON.stringify({ h: 0, i: 1, Ġ: 2, hi: 3, Ġhi: 4, '<|endoftext|>': 5 });
const MERGES = '#version: 0.2\nh i\nĠ hi\n';

describe('readVocabAndMerges', () => {
  it("reads GPT-2's two files", async () => {
    const json = readVocabAndMerges(VOCAB, MERGES);
    const checked = new CheckedTokenizer(json);
    expect(await checked.encode('hi hi')).toEqual([3, 4]);
    expect(await checked.decode([3, 4])).toBe('hi hi');
    expect(json.added_tokens).toMatchObject([{ id: 5, content: '<|endoftext|>' }]);
  });

  it('keeps merges of # and takes CRLF', () => {
    const json = readVocabAndMerges('{"#":0,"##":1}', '# #\r\n');
    expect(json.model).toMatchObject({ merges: [['#', '#']] });
  });

  it.each([
    ['nonsense', '', 'not JSON'],
    ['[]', '', 'must be an object'],
    ['{"a":1.5}', '', 'the id of "a"'],
    ['{"a":"1"}', '', 'the id of "a"'],
    [VOCAB, 'h i\nhi\n', 'line 2'],
    [VOCAB, 'h i x\n', 'line 1'],
    [VOCAB, 'h \n', 'line 1'],
  ])('refuses %j and %j', (vocab, merges, reason) => {
    expect(() => readVocabAndMerges(vocab, merges)).toThrow(TokenizerFormatError);
    expect(() => readVocabAndMerges(vocab, merges)).toThrow(reason);
  });

  it('names a special token that is not there', () => {
    expect(() => readVocabAndMerges(VOCAB, MERGES, { specialTokens: ['<s>'] })).toThrow('"<s>"');
  });

  it('answers any text with a typed error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.string(), (vocab, merges) => {
        try {
          readVocabAndMerges(vocab, merges);
        } catch (error) {
          expect(error).toBeInstanceOf(TokenizerError);
        }
      }),
    );
  });
});
