import { TargetArrayError, type Tokenizer, TokenizerError } from '@minigpt/tokenizers';
import { documentsOf } from './documents.ts';
import { ShardSourceError } from './errors.ts';
import type { Task } from './tasks.ts';

/** How documents become tokens: the same for every thread. */
export interface EncodeOptions {
  readonly dtype: 'uint16' | 'uint32';
  readonly endOfText: number;
  /** The field of JSON lines, or the column of Parquet, that holds the text. */
  readonly field: string;
  /** Leave out documents that cannot be read, instead of throwing. */
  readonly skipInvalid: boolean;
}

/** The tokens of a task. */
export interface Encoded {
  readonly tokens: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  /** How many tokens there are up to the end of each document that ends in it, the end-of-text id included. */
  readonly documentEnds: readonly number[];
  /** Of the texts in UTF-8. */
  readonly bytes: number;
  /** What was left out, and why. */
  readonly skipped: readonly { readonly source: string; readonly reason: string }[];
}

/**
 * Encodes the documents of a task, an end-of-text id after each. Special tokens in a text are encoded as the text that they are:
 * a document cannot end itself.
 *
 * @throws ShardSourceError, TextFileError
 */
export async function encodeTask(
  task: Task,
  tokenizer: Tokenizer,
  { dtype, endOfText, field, skipInvalid }: EncodeOptions,
): Promise<Encoded> {
  const ids = new GrowingIds(dtype, Math.ceil(task.sourceBytes) + 64);
  const documentEnds: number[] = [];
  const skipped: { source: string; reason: string }[] = [];
  let bytes = 0;
  for await (const found of documentsOf(task, field)) {
    if ('problem' in found) {
      if (!skipInvalid) throw found.problem;
      skipped.push({ source: found.problem.source, reason: found.problem.reason });
      continue;
    }
    try {
      ids.append(tokenizer, found.text);
    } catch (cause) {
      if (!(cause instanceof TokenizerError)) throw cause;
      throw new ShardSourceError(found.source, cause.message.replace(/\.$/, ''), { cause });
    }
    bytes += found.bytes;
    if (!found.endsDocument) continue;
    ids.push(endOfText);
    documentEnds.push(ids.length);
  }
  return { tokens: ids.take(), documentEnds, bytes, skipped };
}

/** Ids in a row, with room for more. */
class GrowingIds {
  length = 0;
  #ids: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

  constructor(dtype: EncodeOptions['dtype'], capacity: number) {
    this.#ids = dtype === 'uint16' ? new Uint16Array(capacity) : new Uint32Array(capacity);
  }

  append(tokenizer: Tokenizer, text: string): void {
    for (;;) {
      try {
        this.length += tokenizer.encodeInto(text, this.#ids, this.length, { disallowedSpecial: [] });
        return;
      } catch (error) {
        if (!(error instanceof TargetArrayError)) throw error;
        this.#grow();
      }
    }
  }

  push(id: number): void {
    if (this.length === this.#ids.length) this.#grow();
    this.#ids[this.length++] = id;
  }

  take(): Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
    return this.#ids.slice(0, this.length);
  }

  #grow(): void {
    const { length } = this.#ids;
    const grown =
      this.#ids instanceof Uint16Array ? new Uint16Array(2 * length) : new Uint32Array(2 * length);
    grown.set(this.#ids);
    this.#ids = grown;
  }
}
