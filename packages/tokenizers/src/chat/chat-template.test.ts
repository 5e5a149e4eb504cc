import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../load-tokenizer.ts';
import { shared } from '../testing/shared.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { type ChatMessage, ChatTemplate } from './chat-template.ts';
import { ChatTemplateError } from './chat-template-error.ts';
import { NAMED_TEMPLATES, type TemplateName } from './named-templates.ts';

const CONVERSATION: readonly ChatMessage[] = [
  { role: 'user', content: 'q1' },
  { role: 'assistant', content: 'a1' },
  { role: 'user', content: 'q2' },
  { role: 'assistant', content: 'a2' },
];

/** A token for each `<|…|>`, else for each character. */
const bySpecialOrCharacter: Pick<Tokenizer, 'encode' | 'encodeWithOffsets'> = {
  encode: (text) => bySpecialOrCharacter.encodeWithOffsets(text).ids,
  encodeWithOffsets: (text) => {
    const matches = [...text.matchAll(/<[^<>]+>|./gsu)];
    const offsets = matches.map(({ index, 0: token }) => [index, index + token.length] as const);
    return {
      ids: matches.map(({ 0: token }) => token.codePointAt(0)!),
      tokens: matches.map(({ 0: token }) => token),
      offsets,
      byteOffsets: [],
      typeIds: [],
      specialTokensMask: [],
    };
  },
};

/** What the mask selects, runs separated by `|`. */
function written(template: ChatTemplate, messages = CONVERSATION): string {
  const { text, ids, assistantMask } = template.encodeForTraining(bySpecialOrCharacter, messages);
  const { tokens } = bySpecialOrCharacter.encodeWithOffsets(text);
  expect(ids).toHaveLength(assistantMask.length);
  return tokens
    .map((token, i) => (assistantMask[i] ? token : '\0'))
    .join('')
    .replace(/\0+/g, '‖')
    .replace(/^‖|‖$/g, '');
}

describe('ChatTemplate', () => {
  it('renders and encodes, special tokens as such', () => {
    const template = ChatTemplate.named('chatml');
    const { text, ids } = template.encode(bySpecialOrCharacter, [{ role: 'user', content: 'hi' }], {
      addGenerationPrompt: true,
    });
    expect(text).toBe('<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n');
    expect(ids).toHaveLength(21);
  });

  it.each<[TemplateName, string]>([
    ['mistral', 'a1</s>‖a2</s>'],
    ['llama2', ' a1 </s>‖ a2 </s>'],
    ['llama3', 'a1<|eot_id|>‖a2<|eot_id|>'],
    ['chatml', 'a1<|im_end|>‖a2<|im_end|>'],
    ['zephyr', 'a1</s>‖a2</s>'],
    ['gemma', 'a1<end_of_turn>‖a2<end_of_turn>'],
    ['phi3', 'a1<|end|>‖a2<|end|>'],
  ])('the mask of %s holds what the assistant wrote', (name, expected) => {
    expect(written(ChatTemplate.named(name))).toBe(expected);
  });

  it.each<[TemplateName, string]>([
    ['mistral', 'a1</s>‖a2</s>'],
    ['llama2', ' a1 </s>‖ a2 </s>'],
    ['llama3', 'a1<|eot_id|>‖a2<|eot_id|>'],
    ['chatml', 'a1<|im_end|>\n‖a2<|im_end|>\n'],
    ['zephyr', 'a1</s>\n‖a2</s>\n'],
    ['gemma', 'a1<end_of_turn>\n‖a2<end_of_turn>\n'],
    ['phi3', 'a1<|end|>\n‖a2<|end|>\n<|endoftext|>'],
  ])('and so it does for %s without generation blocks', (name, expected) => {
    const { template, tokens } = NAMED_TEMPLATES[name];
    const bare = template.replace(/\{% (end)?generation %\}/g, '');
    expect(bare).not.toContain('generation %}');
    expect(written(new ChatTemplate(bare, tokens))).toBe(expected);
  });

  it('trims around generation blocks as around any block', () => {
    const source = (tag: (name: string) => string) =>
      `{% for m in messages %}\n  ${tag('generation')}\n{{ m.content }}\n  ${tag('endgeneration')}\nx\n{% endfor %}\n`;
    const asIf = source((name) => (name === 'generation' ? '{% if true %}' : '{% endif %}'));
    const tags = source((name) => `{% ${name} %}`);
    expect(new ChatTemplate(tags).render(CONVERSATION)).toBe(new ChatTemplate(asIf).render(CONVERSATION));
    expect(written(new ChatTemplate(tags), CONVERSATION.slice(0, 2))).toBe('q1\n‖a1\n');
    const dashed = source((name) => `{%- ${name} -%}`);
    expect(new ChatTemplate(dashed).render(CONVERSATION.slice(0, 1))).toBe('q1x\n');
  });

  it('refuses a mask where earlier turns are rewritten', () => {
    const rewriting = new ChatTemplate(
      '{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}',
    );
    expect(() => written(rewriting)).toThrow(ChatTemplateError);
    expect(() => written(rewriting)).toThrow('message 1');
  });

  it('continues the last message', () => {
    const template = ChatTemplate.named('llama3');
    const text = template.render(CONVERSATION.slice(0, 2), { continueFinalMessage: true });
    expect(text.endsWith('assistant<|end_header_id|>\n\na1')).toBe(true);
    const both = { continueFinalMessage: true, addGenerationPrompt: true };
    expect(() => template.render(CONVERSATION, both)).toThrow(ChatTemplateError);
    expect(() => template.render([], { continueFinalMessage: true })).toThrow(ChatTemplateError);
  });

  it('has the environment of transformers', () => {
    const render = (template: string, variables = {}) => new ChatTemplate(template).render([], { variables });
    expect(render('{{ x | tojson }}', { x: { a: ['<é>', 1, 1.5, null, true] } })).toBe(
      '{"a": ["<é>", 1, 1.5, null, true]}',
    );
    expect(render('{{ x | tojson(indent=2) }}', { x: { a: [1] } })).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(render('{{ strftime_now("%Y") }}')).toBe(String(new Date().getFullYear()));
    expect(render('{% for i in [1,2,3] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}')).toBe(
      '1',
    );
    const holds = (condition: string) => render(`{{ 'yes' if ${condition} else 'no' }}`);
    expect(['"" == false', '"" != false', 'true == 1', '"1" == 1', '"a" == "a"'].map(holds)).toEqual([
      'no',
      'yes',
      'yes',
      'no',
      'yes',
    ]);
    expect(new ChatTemplate('{{ tools | length }}').render([], { tools: [{}, {}] })).toBe('2');
    expect(() => render('{{ raise_exception("No, thank you") }}')).toThrow(
      new ChatTemplateError('No, thank you'),
    );
  });

  it('wraps what is wrong with a template', () => {
    expect(() => new ChatTemplate('{% if %}')).toThrow(ChatTemplateError);
    expect(() => new ChatTemplate('{{ nothing + 1 }}').render([])).toThrow(ChatTemplateError);
  });

  it('is read from a tokenizer_config.json, old or new', () => {
    const eos_token = { __type: 'AddedToken', content: '</s>' };
    const template = "{{ messages[0]['content'] + eos_token }}";
    const single = ChatTemplate.fromTokenizerConfig({ chat_template: template, eos_token });
    expect(single.render(CONVERSATION)).toBe('q1</s>');
    const several = {
      chat_template: [
        { name: 'default', template: 'one' },
        { name: 'tool_use', template: 'two' },
      ],
    };
    expect(ChatTemplate.fromTokenizerConfig(several).render([])).toBe('one');
    expect(ChatTemplate.fromTokenizerConfig(several, 'tool_use').render([])).toBe('two');
    expect(() => ChatTemplate.fromTokenizerConfig({})).toThrow(ChatTemplateError);
    expect(() => ChatTemplate.fromTokenizerConfig(several, 'rag')).toThrow('"rag"');
  });

  it('is read from GGUF metadata', () => {
    const metadata = {
      'tokenizer.chat_template': '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}',
      'tokenizer.ggml.tokens': ['<s>', '</s>'],
      'tokenizer.ggml.bos_token_id': 0,
      'tokenizer.ggml.eos_token_id': 1,
    };
    expect(ChatTemplate.fromGguf(metadata).render(CONVERSATION)).toBe('<s>q1</s>');
    expect(() => ChatTemplate.fromGguf({})).toThrow(ChatTemplateError);
  });
});

interface Golden {
  readonly templates: Record<string, { bos_token: string; eos_token: string; template: string }>;
  readonly conversations: Record<string, ChatMessage[]>;
  readonly cases: {
    readonly template: string;
    readonly conversation: string;
    readonly options: { add_generation_prompt?: boolean; continue_final_message?: boolean };
    readonly text?: string;
    readonly error?: string;
  }[];
}

describe.skipIf(!shared)(
  "ChatTemplate against transformers' apply_chat_template (needs reference data: set MINIGPT_SHARED to its folder)",
  () => {
    const golden = (): Golden => JSON.parse(readFileSync(`${shared}/golden/chat/chat.json`, 'utf8'));
    const NAMES: Record<string, TemplateName> = {
      mistral: 'mistral',
      'llama-2': 'llama2',
      'llama-3': 'llama3',
      zephyr: 'zephyr',
      gemma: 'gemma',
      'phi-3': 'phi3',
    };

    it("gives Mistral's ids for a question", () => {
      const tokenizer = loadTokenizer(new Uint8Array(readFileSync(`${shared}/tokenizers/mistral-v1.model`)));
      const question = { role: 'user', content: 'Can you write an email explaining what an LLM is?' };
      const { text, ids } = ChatTemplate.named('mistral').encode(tokenizer, [question]);
      expect(text).toBe(`<s>[INST] ${question.content} [/INST]`);
      expect(ids).toEqual([
        1, 733, 16289, 28793, 2418, 368, 3324, 396, 4927, 20400, 767, 396, 16704, 28755, 349, 28804, 733,
        28748, 16289, 28793,
      ]);
      const answer = { role: 'assistant', content: 'No.' };
      const training = ChatTemplate.named('mistral').encodeForTraining(tokenizer, [question, answer]);
      const learned = training.ids.filter((_, i) => training.assistantMask[i] === 1);
      expect(tokenizer.decode(learned)).toBe('No.</s>');
    });

    it.each(['given', 'named'] as const)('every text and error: templates as %s', (kind) => {
      const { templates, conversations, cases } = golden();
      let compared = 0;
      for (const { template: name, conversation, options, text, error } of cases) {
        const { template: source, ...tokens } = templates[name]!;
        if (kind === 'named' && !NAMES[name]) continue;
        const template =
          kind === 'given' ? new ChatTemplate(source, tokens) : ChatTemplate.named(NAMES[name]!);
        const render = () =>
          template.render(conversations[conversation]!, {
            addGenerationPrompt: options.add_generation_prompt,
            continueFinalMessage: options.continue_final_message,
          });
        if (error !== undefined)
          expect(render, `${name} ${conversation}`).toThrow(new ChatTemplateError(error));
        else expect(render(), `${name} ${conversation} ${JSON.stringify(options)}`).toBe(text);
        compared++;
      }
      expect(compared).toBe(kind === 'given' ? 252 : 216);
    });
  },
);
