import { ConfigError, dispose } from '@minigpt/core';
import { startBackend } from '@minigpt/testing';
import { createTokenizer, trainBpe } from '@minigpt/tokenizers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GeneratedPiece, type GenerateTextOptions, generateText } from './generate-text.ts';
import { ToyModel } from './testing/toy-model.ts';

const trained = await trainBpe(['so it goes, so it went. the end of it\n'], {
  vocabSize: 270,
  specialTokens: ['<|end|>'],
});
const tokenizer = createTokenizer(trained);
const end = tokenizer.specialTokens.get('<|end|>') as number;

describe('generateText', () => {
  let model: ToyModel;
  beforeEach(async () => {
    await startBackend('cpu');
    model = new ToyModel({ vocabSize: tokenizer.vocabSize });
  });
  afterEach(() => dispose(model));

  /** The pieces when the model is made to say these ids. */
  async function say(
    ids: readonly number[],
    options: GenerateTextOptions = {},
    prompt = 'so',
  ): Promise<GeneratedPiece[]> {
    const begun = tokenizer.encode(prompt).length;
    const script = (logits: Float32Array, before: readonly number[]) =>
      logits.map((_, id) => (id === ids[before.length - begun] ? 0 : Number.NEGATIVE_INFINITY));
    const pieces: GeneratedPiece[] = [];
    const all = { maxNewTokens: ids.length, processors: [script], ...options };
    for await (const piece of generateText(model, tokenizer, prompt, all)) pieces.push(piece);
    return pieces;
  }
  const saying = (text: string, options?: GenerateTextOptions) => say(tokenizer.encode(text), options);
  const textOf = (pieces: readonly GeneratedPiece[]) => pieces.map(({ text }) => text).join('');

  it('gives a piece a token, which join to the text', async () => {
    const pieces = await saying(' it went');
    expect(pieces.map(({ id }) => id)).toEqual(tokenizer.encode(' it went'));
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.every(({ text }) => text.length > 0)).toBe(true);
    expect(textOf(pieces)).toBe(' it went');
  });

  it('gives no half character, and says so where the text ends within one', async () => {
    const pieces = await saying('é😀!');
    expect(pieces.map(({ text }) => text)).toEqual(['', 'é', '', '', '', '😀', '!']);
    const ids = tokenizer.encode('a😀').slice(0, 3);
    expect(textOf(await say(ids))).toBe('a\u{fffd}');
  });

  it('ends before a stop string that straddles tokens, and gives nothing of it', async () => {
    const text = 'it goes, ###\nso it went';
    const stopStrings = ['\n\n', '###\nso'];
    const pieces = await saying(text, { stopStrings });
    expect(textOf(pieces)).toBe('it goes, ');
    expect(pieces.at(-1)?.finishReason).toBe('stop');
    expect(pieces.length).toBeLessThan(tokenizer.encode(text).length);
  });

  it('gives what only began like a stop string, also at the end', async () => {
    expect(textOf(await saying('#so ##it', { stopStrings: ['###'] }))).toBe('#so ##it');
    const pieces = await saying('so ##', { stopStrings: ['###'] });
    expect(textOf(pieces)).toBe('so ##');
    expect(pieces.at(-1)?.finishReason).toBe('length');
  });

  it('ends at the first of several that come with one token', async () => {
    expect(textOf(await saying('the end', { stopStrings: ['e', 'h'] }))).toBe('t');
  });

  it('gives an end id no text', async () => {
    const pieces = await say([...tokenizer.encode('the'), end, 0], { endIds: [end], stopStrings: ['zzz'] });
    expect(textOf(pieces)).toBe('the');
    expect(pieces.at(-1)).toMatchObject({ id: end, text: '', finishReason: 'end' });
  });

  it('takes ids as a prompt, and refuses an empty stop string', async () => {
    const { value } = await generateText(model, tokenizer, [end, 1], { maxNewTokens: 1 }).next();
    expect((value as GeneratedPiece).finishReason).toBe('length');
    expect(() => generateText(model, tokenizer, 'so', { stopStrings: [''] })).toThrow(ConfigError);
  });
});
