import { ChatTemplateError } from './chat-template-error.ts';
import type { AssistantSpan } from './generation-blocks.ts';

/**
 * Where the assistant's messages stand in a rendered conversation, found by rendering what comes before and up to each
 * of them: from the end of the generation prompt to where the next turn begins.
 * @param render the first `count` messages as text
 * @throws ChatTemplateError where the whole text does not begin with the text before a message
 */
export function spansByPrefixes(
  text: string,
  messages: readonly { readonly role: string }[],
  render: (count: number, addGenerationPrompt: boolean) => string,
): AssistantSpan[] {
  const spans: AssistantSpan[] = [];
  messages.forEach(({ role }, index) => {
    if (role !== 'assistant') return;
    const before = render(index, true);
    if (!text.startsWith(before)) {
      throw new ChatTemplateError(
        `The template writes the turns before message ${index} differently once more follow, so what the assistant ` +
          'wrote cannot be told from them: mark it in the template with {% generation %} … {% endgeneration %}.',
      );
    }
    // What a template writes only at the very end (Phi-3's end of text) or only for an answer is not in all three.
    const upTo = Math.min(
      commonPrefix(text, render(index + 1, false)),
      commonPrefix(text, render(index + 1, true)),
    );
    spans.push({ start: before.length, end: index === messages.length - 1 ? text.length : upTo });
  });
  return spans;
}

function commonPrefix(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

/**
 * 1 for each token of which any part lies in a span, except one that begins in it and goes on behind it: such a token
 * opens the next turn.
 * @param offsets [start, end) of each token in the text, ascending
 */
export function assistantMask(
  offsets: readonly (readonly [number, number])[],
  spans: readonly AssistantSpan[],
): number[] {
  let index = 0;
  return offsets.map(([start, end]) => {
    while (index < spans.length && spans[index]!.end <= start) index++;
    const span = spans[index];
    return span && end > span.start && end <= span.end && end > start ? 1 : 0;
  });
}
