import { describe, expect, it } from 'vitest';
import { TokenizerFormatError } from '../errors.ts';
import { fuzzReader } from '../testing/fuzz.ts';
import type { RankedBpeSpec } from '../tokenizer-json.ts';
import { readTiktoken } from './tiktoken.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
const file = (tokens: readonly (readonly [string, number])[]) =>
  utf8(tokens.map(([token, rank]) => `${base64(token)} ${rank}\n`).join(''));

describe('readTiktoken', () => {
  it('reads bytes, ranks and special tokens', () => {
    const tokens = [
      ['a', 0],
      ['\x00\xff', 1],
      ['three', 2],
      ['four', 5],
    ] as const;
    const spec = readTiktoken(file(tokens), { pattern: 'gpt4', specialTokens: { '<|end|>': 9 } });
    const { bytes, ends, ids } = spec.model as RankedBpeSpec;
    expect(Buffer.from(bytes).toString('latin1')).toBe('a\x00\xffthreefour');
    expect([...ends]).toEqual([1, 3, 8, 12]);
    expect([...ids]).toEqual([0, 1, 2, 5]);
    expect(spec.added_tokens).toMatchObject([{ id: 9, content: '<|end|>', special: true }]);
  });

  it('takes CRLF and a last line without an end', () => {
    const spec = readTiktoken(utf8('YQ== 0\r\nYg== 1'), { pattern: 'gpt2' });
    expect([...(spec.model as RankedBpeSpec).ids]).toEqual([0, 1]);
  });

  it.each([
    ['', 'empty'],
    ['YQ== 0\n\nYg== 1\n', 'line 2'],
    ['YQ==\n', 'base64 and a space'],
    ['Y-== 0\n', 'base64 and a space'],
    ['YQ== \n', 'no rank'],
    ['YQ== 0 x\n', 'after the rank'],
    ['YQ== 1\nYg== 1\n', 'must ascend'],
    ['YQ== 99999999999999999999\n', 'a rank above'],
    [' 0\n', 'empty token'],
  ])('refuses %j', (text, reason) => {
    const read = () => readTiktoken(utf8(text), { pattern: 'gpt2' });
    expect(read).toThrow(TokenizerFormatError);
    expect(read).toThrow(reason);
  });

  it('answers damaged files with a typed error', () => {
    const valid = file(Array.from({ length: 40 }, (_, i) => [String.fromCharCode(i, i), i] as const));
    fuzzReader(valid, (bytes) => readTiktoken(bytes, { pattern: 'gpt2' }));
  });
});
