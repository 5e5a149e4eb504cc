import { MinigptError } from '@minigpt/core';
import { normalizeNewlines } from '@minigpt/data';

/** A collection that holds no documents, or in no form that is known. */
export class DocumentsError extends MinigptError {
  readonly source: string;

  constructor(source: string, reason: string) {
    super(`Cannot find documents in ${source}: ${reason}.`);
    this.source = source;
  }
}

/**
 * The documents of a file, by its name: a JSON array of texts (or of objects with `text`), JSON lines of the same, or else one
 * text.
 *
 * @throws DocumentsError
 */
export function documentsIn(contents: string, name: string): string[] {
  const values = /\.jsonl$/i.test(name)
    ? contents
        .split('\n')
        .flatMap((line, i) => (line.trim() === '' ? [] : [parse(line, `${name}, line ${i + 1}`)]))
    : /\.json$/i.test(name)
      ? parse(contents, name)
      : [contents];
  if (!Array.isArray(values)) throw new DocumentsError(name, 'it must be an array of texts');
  return values.map((value: unknown, i) => {
    const text = typeof value === 'object' && value !== null && 'text' in value ? value.text : value;
    if (typeof text === 'string') return normalizeNewlines(text);
    throw new DocumentsError(name, `entry ${i + 1} is neither a text nor an object with "text"`);
  });
}

function parse(json: string, where: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new DocumentsError(where, `it is not JSON (${(error as Error).message})`);
  }
}
