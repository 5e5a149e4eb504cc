import { Template } from '@huggingface/jinja';
import { describe, expect, it } from 'vitest';
import { countIterations, renderBounded } from './bounded-interpreter.ts';
import { ChatTemplate } from './chat-template.ts';
import { ChatTemplateError } from './chat-template-error.ts';

const block = (text: string) => `{%- ${text} -%}`;
const loop = (body: string, times = 1000) => block(`for _ in range(${times})`) + body + block('endfor');
const render = (template: string) => new ChatTemplate(template).render([]);

describe('a hostile template ends with one sentence', () => {
  it.each([
    [
      'a range without end',
      loop('x', 1e10),
      /range\(\) must give at most 1048576 numbers, but .* 10000000000$/,
    ],
    ['a range of step 0', block('for _ in range(1, 2, 0)') + block('endfor'), /range\(\) .* Infinity$/],
    [
      'a text that doubles',
      block("set n = namespace(s='x')") + loop(block('set n.s = n.s ~ n.s')),
      /may take 2000000 steps/, // each look at the text counts
    ],
    [
      'a list that doubles',
      block('set n = namespace(l=[1])') + loop(block('set n.l = n.l + n.l')),
      /may hold 33554432 characters, but a ArrayValue/,
    ],
    [
      'a list that is small in memory and large in print',
      `${block('set n = namespace(l=[1])')}${loop(block('set n.l = [n.l, n.l]'), 60)}{{ n.l }}`,
      /may hold 33554432 characters, but a ArrayValue/,
    ],
    ['parentheses without end', `{{ ${'('.repeat(1e5)} }}`, /call stack/],
  ])('%s', (_what, template, message) => {
    expect(() => render(template)).toThrow(ChatTemplateError);
    expect(() => render(template)).toThrow(message);
  });

  it.each([
    ['loops in loops', loop(loop(loop('x')))],
    ['loops in which nothing is', loop(loop(loop('')))],
    ['loops that are left at once', loop(loop(loop(block('break'))))],
  ])('%s', (_what, template) => {
    const { parsed } = new Template(template);
    countIterations(parsed);
    expect(() => renderBounded(parsed, {}, { steps: 10_000, size: 1e9 })).toThrow(
      /may take 10000 steps, but this one goes on/,
    );
  });
});

it('a conversation of two million characters in thousands of turns is rendered', () => {
  const messages = Array.from({ length: 4000 }, (_, i) => ({
    role: i % 2 ? 'assistant' : 'user',
    content: `${i} `.repeat(100),
  }));
  const text = ChatTemplate.named('chatml').render(messages);
  expect(text.length).toBeGreaterThan(1_900_000);
  expect(text).toContain('<|im_start|>assistant\n3999 ');
});

it('counts iterations without writing anything', () => {
  expect(render(`a${block('for x in range(3)')}{{ x }}${block('else')}none${block('endfor')}b`)).toBe(
    'a012b',
  );
  expect(render(`${block('for x in range(2, 8, 3)')}{{ x }},${block('endfor')}`)).toBe('2,5,');
  expect(render("{{ strftime_now('%Y') }}")).toMatch(/^\d{4}$/);
});
