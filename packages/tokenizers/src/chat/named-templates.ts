import type { TemplateTokens } from './chat-template.ts';

export type TemplateName = 'mistral' | 'llama2' | 'llama3' | 'chatml' | 'zephyr' | 'gemma' | 'phi3';

export interface NamedTemplate {
  readonly template: string;
  readonly tokens: TemplateTokens;
}

const ALTERNATE = `{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}`;

/** What the assistant writes, as training's mask has it: its text and the end of its turn. */
const written = (expression: string) => `{% generation %}{{ ${expression} }}{% endgeneration %}`;

/** The formats of the published chat models, by the family that brought them. */
export const NAMED_TEMPLATES: Readonly<Record<TemplateName, NamedTemplate>> = {
  /** Mistral 7B Instruct v0.1: `<s>[INST] … [/INST]answer</s>`; no system message. */
  mistral: {
    tokens: { bos_token: '<s>', eos_token: '</s>' },
    template: [
      '{{ bos_token }}',
      '{% for message in messages %}',
      ALTERNATE,
      "{% if message.role == 'user' %}{{ '[INST] ' + message.content + ' [/INST]' }}",
      `{% elif message.role == 'assistant' %}${written('message.content + eos_token')}`,
      "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}",
      '{% endfor %}',
    ].join(''),
  },
  /** Llama 2 Chat: each exchange `<s>[INST] … [/INST] answer </s>`, the system message inside the first. */
  llama2: {
    tokens: { bos_token: '<s>', eos_token: '</s>' },
    template: [
      "{% set has_system = messages[0].role == 'system' %}",
      '{% set turns = messages[1:] if has_system else messages %}',
      '{% for message in turns %}',
      ALTERNATE,
      '{% set content = message.content %}',
      '{% if loop.first and has_system %}',
      "{% set content = '<<SYS>>\\n' + messages[0].content + '\\n<</SYS>>\\n\\n' + content %}",
      '{% endif %}',
      "{% if message.role == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}",
      `{% elif message.role == 'assistant' %}${written("' ' + content.strip() + ' ' + eos_token")}{% endif %}`,
      '{% endfor %}',
    ].join(''),
  },
  /** Llama 3 Instruct. */
  llama3: {
    tokens: { bos_token: '<|begin_of_text|>', eos_token: '<|eot_id|>' },
    template: [
      '{% for message in messages %}',
      '{% if loop.first %}{{ bos_token }}{% endif %}',
      "{{ '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' }}",
      `{% if message.role == 'assistant' %}${written("message.content | trim + '<|eot_id|>'")}`,
      "{% else %}{{ message.content | trim + '<|eot_id|>' }}{% endif %}",
      '{% endfor %}',
      "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
    ].join(''),
  },
  /** ChatML (OpenAI; Qwen, SmolLM and many others), without a system message of its own. */
  chatml: {
    tokens: { bos_token: '<|im_start|>', eos_token: '<|im_end|>' },
    template: [
      '{% for message in messages %}',
      "{{ '<|im_start|>' + message.role + '\\n' }}",
      `{% if message.role == 'assistant' %}${written("message.content + '<|im_end|>'")}`,
      "{% else %}{{ message.content + '<|im_end|>' }}{% endif %}",
      "{{ '\\n' }}",
      '{% endfor %}',
      "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    ].join(''),
  },
  /** Zephyr 7B. */
  zephyr: {
    tokens: { bos_token: '<s>', eos_token: '</s>' },
    template: [
      '{% for message in messages %}',
      "{% if message.role == 'assistant' %}",
      `{{ '<|assistant|>\\n' }}${written('message.content + eos_token')}{{ '\\n' }}`,
      "{% elif message.role in ['user', 'system'] %}",
      "{{ '<|' + message.role + '|>\\n' + message.content + eos_token + '\\n' }}",
      '{% endif %}',
      "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}",
      '{% endfor %}',
    ].join(''),
  },
  /** Gemma: the assistant is called model; no system message. */
  gemma: {
    tokens: { bos_token: '<bos>', eos_token: '<eos>' },
    template: [
      '{{ bos_token }}',
      "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}",
      '{% for message in messages %}',
      ALTERNATE,
      "{% if message.role == 'assistant' %}{{ '<start_of_turn>model\\n' }}",
      `${written("message.content | trim + '<end_of_turn>'")}{{ '\\n' }}`,
      "{% else %}{{ '<start_of_turn>' + message.role + '\\n' + message.content | trim + '<end_of_turn>\\n' }}{% endif %}",
      '{% endfor %}',
      "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}",
    ].join(''),
  },
  /** Phi-3. */
  phi3: {
    tokens: { bos_token: '<s>', eos_token: '<|endoftext|>' },
    template: [
      '{% for message in messages %}',
      "{% if message.role == 'assistant' %}{{ '<|assistant|>\\n' }}",
      `${written("message.content + '<|end|>'")}{{ '\\n' }}`,
      "{% elif message.role in ['user', 'system'] %}",
      "{{ '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' }}",
      '{% endif %}',
      '{% endfor %}',
      "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}",
    ].join(''),
  },
};
