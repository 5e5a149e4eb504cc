import { ConfigError, dispose, Rng } from '@minigpt/core';
import { startBackend } from '@minigpt/testing';
import { ChatTemplate, createTokenizer, trainBpe } from '@minigpt/tokenizers';
import { memory } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChatMessage, type ChatModel, type ChatOptions, chat } from './chat.ts';
import { Constraint } from './constrained/constraint.ts';
import { PromptError } from './errors.ts';
import type { GeneratedPiece } from './generate-text.ts';
import { FixedKVCache } from './kv-cache/fixed.ts';
import { SlidingKVCache } from './kv-cache/sliding.ts';
import { Session } from './session.ts';
import { ToyTransformer } from './testing/toy-transformer.ts';

const trained = await trainBpe(['system user assistant\nhello there, how are you?\n'], {
  vocabSize: 280,
  specialTokens: ['<|im_start|>', '<|im_end|>'],
});
const tokenizer = createTokenizer(trained);
const chatTemplate = ChatTemplate.named('chatml');
const end = tokenizer.specialTokens.get('<|im_end|>') as number;
const question: readonly ChatMessage[] = [{ role: 'user', content: 'hello' }];

describe('chat', () => {
  let model: ToyTransformer;
  let loaded: ChatModel;
  beforeEach(async () => {
    await startBackend('cpu');
    model = new ToyTransformer({ vocabSize: tokenizer.vocabSize, blockSize: 128, rng: new Rng(1) });
    loaded = { model, tokenizer, chatTemplate, endIds: [end] };
  });
  afterEach(() => dispose(model));

  /** A processor that makes the model say a text, and then end. */
  function saying(text: string) {
    const ids = [...tokenizer.encode(text), end];
    let next = 0;
    return {
      maxNewTokens: ids.length,
      processors: [
        (logits: Float32Array) => {
          const wanted = ids[next++];
          return logits.map((_, id) => (id === wanted ? 0 : Number.NEGATIVE_INFINITY));
        },
      ],
    };
  }

  async function answer(messages: readonly ChatMessage[], options: ChatOptions): Promise<GeneratedPiece[]> {
    const pieces: GeneratedPiece[] = [];
    for await (const piece of chat(loaded, messages, options)) pieces.push(piece);
    return pieces;
  }
  const textOf = (pieces: readonly GeneratedPiece[]) => pieces.map(({ text }) => text).join('');
  const lengthOf = (text: string) => tokenizer.encode(text, { allowedSpecial: 'all' }).length;

  it('answers what the template writes, up to an end id', async () => {
    const pieces = await answer(question, saying('hello there'));
    expect(textOf(pieces)).toBe('hello there');
    expect(pieces.at(-1)).toMatchObject({ id: end, text: '', finishReason: 'end' });
    const prompt = '<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n';
    expect(model.calls[0]).toEqual([1, lengthOf(prompt)]);
  });

  it('reads in a session only what is new, and what a new system message changes', async () => {
    const before = memory().numTensors;
    const session = new Session(model, { cache: new FixedKVCache({ capacity: 100 }) });
    const first = textOf(await answer(question, { ...saying('hello there'), session }));
    const turns = [...question, { role: 'assistant', content: first }, { role: 'user', content: 'you?' }];
    model.calls.length = 0;
    await answer(turns, { ...saying('hello'), session });
    // The end of the answer was drawn, but not read yet.
    const fresh = '<|im_end|>\n<|im_start|>user\nyou?<|im_end|>\n<|im_start|>assistant\n';
    expect(model.calls[0]).toEqual([1, lengthOf(fresh)]);

    model.calls.length = 0;
    const instructed = [{ role: 'system', content: 'how' }, ...turns];
    const [reread] = await answer(instructed, { ...saying('hello'), session });
    const whole = lengthOf(chatTemplate.render(instructed, { addGenerationPrompt: true }));
    expect(model.calls[0]).toEqual([1, whole - 1]); // they share <|im_start|>
    const [alone] = await answer(instructed, saying('hello'));
    expect(reread.logProbability).toBeCloseTo(alone.logProbability, 4);
    session.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('goes on within a last message of the assistant', async () => {
    const begun = [...question, { role: 'assistant', content: 'hello' }];
    expect(textOf(await answer(begun, saying(' there')))).toBe(' there');
    const prompt = '<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\nhello';
    expect(model.calls[0]).toEqual([1, lengthOf(prompt)]);
  });

  it('stops at the end of the context, of the cache, and where it is aborted', async () => {
    const endless = { logitBias: [{ ids: [end], bias: Number.NEGATIVE_INFINITY }] };
    const prompt = lengthOf('<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n');
    expect(await answer(question, endless)).toHaveLength(model.blockSize - prompt);
    const fixed = new Session(model, { cache: new FixedKVCache({ capacity: prompt + 3 }) });
    const pieces = await answer(question, { ...endless, session: fixed });
    expect(pieces.map(({ finishReason }) => finishReason)).toEqual([undefined, undefined, 'length']);
    fixed.dispose();
    const sliding = new Session(model, { cache: new SlidingKVCache({ window: 4 }) });
    expect(sliding.capacity).toBe(Number.POSITIVE_INFINITY);

    const controller = new AbortController();
    const pending = chat(loaded, question, { ...endless, signal: controller.signal });
    await pending.next();
    controller.abort(new Error('enough'));
    await expect(pending.next()).rejects.toThrow('enough');
  });

  it('answers only what a constraint allows', async () => {
    const constraint = Constraint.choice(['hello', 'how'], tokenizer, loaded.endIds);
    for (const seed of [1, 2, 3]) {
      const pieces = await answer(question, { constraint, rng: new Rng(seed) });
      expect(['hello', 'how']).toContain(textOf(pieces));
      expect(pieces.at(-1)).toMatchObject({ id: end, finishReason: 'end' });
    }
  });

  it('says at once what it cannot work with', () => {
    expect(() => chat(loaded, [])).toThrow(ConfigError);
    expect(() => chat({ ...loaded, tokenizer: undefined }, question)).toThrow('needs a tokenizer');
    expect(() => chat({ ...loaded, chatTemplate: undefined }, question)).toThrow('needs a template');
    const long = [{ role: 'user', content: 'hello there, how are you? '.repeat(30) }];
    expect(() => chat(loaded, long)).toThrow(PromptError);
    expect(() => chat(loaded, long)).toThrow(/has \d+ tokens of 128 that fit; leave out its first turns/);
    const refusing = new ChatTemplate("{{ raise_exception('No system') }}");
    expect(() => chat({ ...loaded, chatTemplate: refusing }, question)).toThrow('No system');
  });
});
