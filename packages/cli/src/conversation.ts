import { type LanguageModel, Rng } from '@minigpt/core';
import { type CompileDecoding, chat, type FinishReason, FixedKVCache, Session } from '@minigpt/sampling';
import type { ChatMessage, ChatTemplate, Tokenizer } from '@minigpt/tokenizers';

export interface ConversationOptions {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  readonly chatTemplate: ChatTemplate;
  readonly endIds: readonly number[];
  /** How many tokens the model sees at most: the cache has room for so many. */
  readonly context: number;
  readonly system?: string;
  readonly maxNewTokens: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed: number;
  readonly compile?: CompileDecoding;
}

export interface Answer {
  readonly content: string;
  readonly tokens: number;
  /** From the question to the first token. */
  readonly secondsToFirst: number;
  readonly seconds: number;
  readonly finishReason: FinishReason | 'interrupted';
  /** How many turns are out of sight since this question, because the conversation has outgrown the context. */
  readonly forgotten: number;
}

/** A conversation with a model. What the model has read stays read: a turn costs what is new in it. */
export class Conversation {
  system: string | undefined;
  readonly #options: ConversationOptions;
  readonly #session: Session;
  #messages: readonly ChatMessage[] = [];
  #answers = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.system = options.system;
    const { model, context, compile } = options;
    const capacity = Math.min(context, model.blockSize);
    this.#session = new Session(model, { cache: new FixedKVCache({ capacity }), compile });
  }

  /** Forgets all turns, but not the system message. */
  reset(): void {
    this.#messages = [];
  }

  /**
   * Answers a question. Interrupted, what was said until then is the answer; where nothing was said, the question is forgotten.
   *
   * @param write is given the answer in pieces
   * @throws what `chat` throws; the question is then forgotten
   */
  async ask(question: string, write: (text: string) => void, signal: AbortSignal): Promise<Answer> {
    const { model, tokenizer, chatTemplate, endIds, seed, temperature, topK, topP } = this.#options;
    const asked = [...this.#messages, { role: 'user', content: question }];
    const kept = this.#fitting(asked);
    const began = performance.now();
    let [content, tokens, firstAt] = ['', 0, began];
    let finishReason: Answer['finishReason'] = 'length';
    try {
      const pieces = chat({ model, tokenizer, chatTemplate, endIds }, this.#withSystem(kept), {
        session: this.#session,
        maxNewTokens: this.#options.maxNewTokens,
        rng: new Rng(seed).fold('chat').fold(this.#answers++),
        signal,
        ...{ temperature, topK, topP },
      });
      for await (const piece of pieces) {
        if (tokens++ === 0) firstAt = performance.now();
        content += piece.text;
        write(piece.text);
        finishReason = piece.finishReason ?? finishReason;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      finishReason = 'interrupted';
    }
    const silenced = finishReason === 'interrupted' && content === '';
    this.#messages = silenced ? this.#messages : [...kept, { role: 'assistant', content }];
    return {
      content,
      tokens,
      secondsToFirst: (firstAt - began) / 1000,
      seconds: (performance.now() - began) / 1000,
      finishReason,
      forgotten: (asked.length - kept.length) / 2,
    };
  }

  dispose(): void {
    this.#session.dispose();
  }

  #withSystem(messages: readonly ChatMessage[]): readonly ChatMessage[] {
    return this.system === undefined ? messages : [{ role: 'system', content: this.system }, ...messages];
  }

  /** The newest turns that leave room for an answer: each with its question, the last one in any case. */
  #fitting(messages: readonly ChatMessage[]): readonly ChatMessage[] {
    const { tokenizer, chatTemplate, maxNewTokens } = this.#options;
    const { capacity } = this.#session;
    const room = capacity - Math.min(maxNewTokens, Math.floor(capacity / 2));
    let kept = messages;
    const length = () =>
      chatTemplate.encode(tokenizer, this.#withSystem(kept), { addGenerationPrompt: true }).ids.length;
    while (kept.length > 1 && length() > room) kept = kept.slice(2);
    return kept;
  }
}
