import { ConfigError, type LanguageModel } from '@minigpt/core';
import type { Constraint } from './constrained/constraint.ts';
import { PromptError } from './errors.ts';
import {
  type GeneratedPiece,
  type GenerateTextOptions,
  generateText,
  type TextTokenizer,
} from './generate-text.ts';

/** One turn of a conversation, as transformers and OpenAI's API write it; templates may read further fields. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly [field: string]: unknown;
}

/** What is asked of a chat template; `ChatTemplate` of `@minigpt/tokenizers` has it. */
export interface ChatRenderer {
  render(
    messages: readonly ChatMessage[],
    options?: { readonly addGenerationPrompt?: boolean; readonly continueFinalMessage?: boolean },
  ): string;
}

/** What is asked of a tokenizer; those of `@minigpt/tokenizers` have it. */
export interface ChatTokenizer extends TextTokenizer {
  encode(text: string, options?: { readonly allowedSpecial?: 'all' }): number[];
}

/** A model that knows how conversations are written: what `loadPretrained` of `@minigpt/checkpoints` gives. */
export interface ChatModel {
  readonly model: LanguageModel;
  readonly tokenizer: ChatTokenizer | undefined;
  readonly chatTemplate: ChatRenderer | undefined;
  /** The ids that end an answer. */
  readonly endIds: readonly number[];
}

export interface ChatOptions extends Omit<GenerateTextOptions, 'endIds'> {
  /** How many tokens the answer has at most. Default 512; fewer where the context, or the session's cache, ends before. */
  readonly maxNewTokens?: number;
  /** What the answer may be, such as JSON of a schema. Its end ids are the model's. */
  readonly constraint?: Constraint;
}

/**
 * Answers a conversation, in pieces of text, which join to the content of the assistant's message: `generateText` over the
 * checkpoint's template, up to one of its end ids. A conversation that ends with a message of the assistant is continued
 * within that message.
 *
 * With the same `session` in the options of each turn, a turn reads only what is new since the last: the end of the answer
 * and the question. What does not agree with what was read, such as another system message, is read again from there on.
 *
 * Special tokens that a message spells out count as such, as in transformers: take them out of what strangers write.
 *
 * @param messages such as `[{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hello!' }]`
 * @throws ConfigError where the checkpoint has no tokenizer or template, and for no messages; PromptError where the
 *   conversation leaves no room for an answer; what the template throws that refuses it; else as `generateText` does
 */
export function chat(
  { model, tokenizer, chatTemplate, endIds }: ChatModel,
  messages: readonly ChatMessage[],
  { maxNewTokens = 512, constraint, processors = [], ...options }: ChatOptions = {},
): AsyncGenerator<GeneratedPiece, void, undefined> {
  if (tokenizer === undefined) {
    throw new ConfigError(
      'tokenizer',
      'A chat needs a tokenizer, but the model came without one; give it its own.',
    );
  }
  if (chatTemplate === undefined) {
    throw new ConfigError(
      'chatTemplate',
      'A chat needs a template that writes conversations, but the model came without one: it continues texts (generateText); for a model that knows one of the usual formats give ChatTemplate.named(…).',
    );
  }
  if (messages.length === 0) {
    throw new ConfigError('messages', 'A chat answers at least one message, but none came.');
  }
  const continues = messages[messages.length - 1].role === 'assistant';
  const text = chatTemplate.render(
    messages,
    continues ? { continueFinalMessage: true } : { addGenerationPrompt: true },
  );
  const ids = tokenizer.encode(text, { allowedSpecial: 'all' });
  const room = (options.session?.capacity ?? model.blockSize) - ids.length;
  if (room < 1) {
    throw new PromptError(
      ids.length,
      `A conversation must leave room for an answer, but this one has ${ids.length} tokens of ${ids.length + room} that fit; leave out its first turns.`,
    );
  }
  return generateText(model, tokenizer, ids, {
    ...options,
    endIds,
    processors: constraint === undefined ? processors : [...processors, constraint.after(ids.length)],
    maxNewTokens: Math.min(maxNewTokens, room),
  });
}
