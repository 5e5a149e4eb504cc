/** Text that the assistant wrote, in UTF-16 units: [start, end). */
export interface AssistantSpan {
  readonly start: number;
  readonly end: number;
}

/** Variables that the rewritten template prints around each block. */
export const START_VARIABLE = '__generation_start';
export const END_VARIABLE = '__generation_end';

const GENERATION_TAG = /\{%(-?)\s*(end)?generation\s*(-?)%\}/g;

export function hasGenerationBlocks(template: string): boolean {
  return template.search(GENERATION_TAG) >= 0;
}

/**
 * `{% generation %}` … `{% endgeneration %}` is transformers' mark for what the assistant writes; Jinja itself does not
 * know it. Each tag becomes tags that Jinja knows with a variable between them, so that white space is trimmed around
 * them as it would be around the original.
 */
export function rewriteGenerationBlocks(template: string): string {
  return template.replace(GENERATION_TAG, (_, left: string, end: string | undefined, right: string) =>
    end
      ? `{%${left} endif %}{{ ${END_VARIABLE} }}{% endif ${right}%}`
      : `{%${left} if true %}{{ ${START_VARIABLE} }}{% if true ${right}%}`,
  );
}

/** A character that none of the texts holds, to print as a mark. */
export function unusedCharacter(texts: readonly string[], not = ''): string {
  for (let code = 0xf0000; ; code++) {
    const character = String.fromCodePoint(code);
    if (character !== not && !texts.some((text) => text.includes(character))) return character;
  }
}

/** Takes the marks out of a rendered text; what stood between them is the assistant's. */
export function takeOutMarks(
  marked: string,
  startMark: string,
  endMark: string,
): { text: string; spans: AssistantSpan[] } {
  const spans: AssistantSpan[] = [];
  let text = '';
  let open = 0;
  for (const [index, part] of marked.split(startMark).entries()) {
    if (index > 0) open = text.length;
    const pieces = part.split(endMark);
    text += pieces[0]!;
    if (pieces.length > 1) {
      spans.push({ start: open, end: text.length });
      text += pieces.slice(1).join('');
    }
  }
  return { text, spans };
}
