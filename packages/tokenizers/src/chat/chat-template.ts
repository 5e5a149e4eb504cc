import { Template } from '@huggingface/jinja';
import type { Tokenizer } from '../tokenizer.ts';
import { assistantMask, spansByPrefixes } from './assistant-mask.ts';
import { countIterations, renderBounded } from './bounded-interpreter.ts';
import { ChatTemplateError } from './chat-template-error.ts';
import {
  type AssistantSpan,
  END_VARIABLE,
  hasGenerationBlocks,
  rewriteGenerationBlocks,
  START_VARIABLE,
  takeOutMarks,
  unusedCharacter,
} from './generation-blocks.ts';
import { NAMED_TEMPLATES, type TemplateName } from './named-templates.ts';
import { EQUALS_FUNCTION, pythonEquals, usePythonEquality } from './python-equality.ts';

/** One turn of a conversation, as transformers and OpenAI's API write it; templates may read further fields. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly [field: string]: unknown;
}

export interface ChatRenderOptions {
  /** End with what makes the model answer (`<|im_start|>assistant`). Default false. */
  readonly addGenerationPrompt?: boolean;
  /** End within the last message, so that the model continues it. Default false. */
  readonly continueFinalMessage?: boolean;
  /** Functions that the model may call, as JSON schemas. */
  readonly tools?: readonly unknown[];
  /** Further variables of the template. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

export interface EncodedChat {
  readonly text: string;
  /** Special tokens that the template writes are encoded as such; the template itself writes BOS. */
  readonly ids: number[];
}

export interface TrainingChat extends EncodedChat {
  /** 1 for each id that the assistant is to learn to write, with the end of its turn; else 0. */
  readonly assistantMask: number[];
}

/** Texts of tokens that templates name: `bos_token`, `eos_token`, … */
export type TemplateTokens = Readonly<Record<string, string>>;

/**
 * A chat template: Jinja in transformers' environment (blocks trimmed, `raise_exception`, `strftime_now`, `tojson` that
 * escapes nothing, `{% generation %}`). Compiled once.
 *
 * The template is a program that a checkpoint brings along: it reaches nothing outside, and ends with an error after two
 * million steps or at a value of more than 33 million characters.
 */
export class ChatTemplate {
  readonly #program: Template['parsed'];
  readonly #source: string;
  readonly #tokens: TemplateTokens;

  /**
   * @param tokens the variables `bos_token`, `eos_token`, `pad_token`, `unk_token`
   * @throws ChatTemplateError where the template does not parse
   */
  constructor(template: string, tokens: TemplateTokens = {}) {
    this.#source = template;
    this.#tokens = tokens;
    this.#program = wrapErrors(() => new Template(rewriteGenerationBlocks(template))).parsed;
    usePythonEquality(this.#program);
    countIterations(this.#program);
  }

  /** One of the published formats, with its own special tokens unless others are given. */
  static named(name: TemplateName, tokens: TemplateTokens = {}): ChatTemplate {
    const named = NAMED_TEMPLATES[name];
    return new ChatTemplate(named.template, { ...named.tokens, ...tokens });
  }

  /**
   * The template of a checkpoint's `tokenizer_config.json`; of several, the one called `name`.
   * @throws ChatTemplateError where the configuration has none
   */
  static fromTokenizerConfig(config: Readonly<Record<string, unknown>>, name = 'default'): ChatTemplate {
    const given = config.chat_template;
    const template = Array.isArray(given)
      ? given.find((entry: { name?: unknown }) => entry?.name === name)?.template
      : given;
    if (typeof template !== 'string') {
      throw new ChatTemplateError(
        `The tokenizer configuration has no chat template ${JSON.stringify(name)}.`,
      );
    }
    const tokens: Record<string, string> = {};
    for (const [key, value] of Object.entries(config)) {
      if (!key.endsWith('_token')) continue;
      // Older files hold an AddedToken here.
      const content =
        typeof value === 'object' && value !== null && 'content' in value ? value.content : value;
      if (typeof content === 'string') tokens[key] = content;
    }
    return new ChatTemplate(template, tokens);
  }

  /**
   * The template in a GGUF file's metadata, given as an object.
   * @throws ChatTemplateError where the metadata has none
   */
  static fromGguf(metadata: Readonly<Record<string, unknown>>): ChatTemplate {
    const template = metadata['tokenizer.chat_template'];
    if (typeof template !== 'string')
      throw new ChatTemplateError('The GGUF metadata has no tokenizer.chat_template.');
    const vocabulary = metadata['tokenizer.ggml.tokens'];
    const tokens: Record<string, string> = {};
    for (const [name, role] of Object.entries(GGUF_ROLES)) {
      const id = metadata[`tokenizer.ggml.${role}_token_id`];
      const token: unknown = Array.isArray(vocabulary) && typeof id === 'number' ? vocabulary[id] : undefined;
      if (typeof token === 'string') tokens[name] = token;
    }
    return new ChatTemplate(template, tokens);
  }

  /**
   * The conversation as the model reads it.
   * @throws ChatTemplateError where the template refuses it or fails
   */
  render(messages: readonly ChatMessage[], options: ChatRenderOptions = {}): string {
    if (!options.continueFinalMessage) return this.#render(messages, options);
    if (options.addGenerationPrompt) {
      throw new ChatTemplateError(
        'continueFinalMessage and addGenerationPrompt exclude each other: give one of them.',
      );
    }
    const last = messages.at(-1);
    if (typeof last?.content !== 'string') {
      throw new ChatTemplateError('continueFinalMessage needs a last message whose content is a string.');
    }
    // As transformers does it: a mark at the end of the last message shows where the template puts that end.
    const marked = [...messages.slice(0, -1), { ...last, content: last.content + CONTINUE_MARK }];
    const text = this.#render(marked, options);
    const at = text.lastIndexOf(CONTINUE_MARK.trim());
    if (at < 0)
      throw new ChatTemplateError('The template leaves out the last message: it cannot be continued.');
    return text.startsWith(CONTINUE_MARK, at) ? text.slice(0, at) : text.slice(0, at).trimEnd();
  }

  /** The conversation as ids. @throws ChatTemplateError, and what `tokenizer.encode` throws */
  encode(
    tokenizer: Pick<Tokenizer, 'encode'>,
    messages: readonly ChatMessage[],
    options: ChatRenderOptions = {},
  ): EncodedChat {
    const text = this.render(messages, options);
    return { text, ids: tokenizer.encode(text, { allowedSpecial: 'all' }) };
  }

  /**
   * A whole conversation as ids, and which of them the assistant wrote: what `{% generation %}` blocks mark where the
   * template has them, as in transformers; else what each of the assistant's messages adds to the text before it.
   * @throws ChatTemplateError also where the template has no blocks and rewrites earlier turns as it goes on
   */
  encodeForTraining(
    tokenizer: Pick<Tokenizer, 'encodeWithOffsets'>,
    messages: readonly ChatMessage[],
    options: Pick<ChatRenderOptions, 'tools' | 'variables'> = {},
  ): TrainingChat {
    const { text, spans } = this.#renderWithSpans(messages, options);
    const { ids, offsets } = tokenizer.encodeWithOffsets(text, { allowedSpecial: 'all' });
    return { text, ids, assistantMask: assistantMask(offsets, spans) };
  }

  #renderWithSpans(
    messages: readonly ChatMessage[],
    options: Pick<ChatRenderOptions, 'tools' | 'variables'>,
  ): { text: string; spans: AssistantSpan[] } {
    if (hasGenerationBlocks(this.#source)) {
      const inputs = [this.#source, JSON.stringify([messages, options, this.#tokens])];
      const start = unusedCharacter(inputs);
      const end = unusedCharacter(inputs, start);
      return takeOutMarks(this.#render(messages, options, { start, end }), start, end);
    }
    const text = this.#render(messages, options);
    const render = (count: number, addGenerationPrompt: boolean) =>
      this.#render(messages.slice(0, count), { ...options, addGenerationPrompt });
    return { text, spans: spansByPrefixes(text, messages, render) };
  }

  #render(
    messages: readonly ChatMessage[],
    options: ChatRenderOptions,
    marks = { start: '', end: '' },
  ): string {
    return wrapErrors(() =>
      renderBounded(this.#program, {
        ...this.#tokens,
        ...options.variables,
        ...(options.tools && { tools: options.tools }),
        messages,
        add_generation_prompt: options.addGenerationPrompt ?? false,
        [START_VARIABLE]: marks.start,
        [END_VARIABLE]: marks.end,
        [EQUALS_FUNCTION]: pythonEquals,
      }),
    );
  }
}

/** The space at its end shows whether the template trims messages. */
const CONTINUE_MARK = 'CONTINUE_FINAL_MESSAGE_TAG ';

const GGUF_ROLES = {
  bos_token: 'bos',
  eos_token: 'eos',
  pad_token: 'padding',
  unk_token: 'unknown',
} as const;

function wrapErrors<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ChatTemplateError) throw cause;
    throw new ChatTemplateError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
