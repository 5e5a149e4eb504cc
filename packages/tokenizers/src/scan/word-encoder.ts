import type { ByteLevelBpe } from '../bpe/byte-level-bpe.ts';
import type { IdBuffer } from '../pipeline/id-buffer.ts';
import type { Scanner } from './scanners.ts';
import { WordCache } from './word-cache.ts';

/** From normalized text straight to ids: a scanner cuts words, a cache knows most of them, the model does the rest. */
export class WordEncoder {
  readonly #scan: Scanner;
  readonly #model: ByteLevelBpe;
  #cache: WordCache | undefined;

  constructor(scan: Scanner, model: ByteLevelBpe) {
    this.#scan = scan;
    this.#model = model;
  }

  /** How many words are cached. */
  get cacheSize(): number {
    return this.#cache?.size ?? 0;
  }

  encode(text: string, start: number, end: number, buffer: IdBuffer): void {
    this.#cache ??= new WordCache();
    const cache = this.#cache;
    const scan = this.#scan;
    for (let at = start; at < end; ) {
      const next = scan(text, at, end);
      if (!cache.emit(text, at, next, buffer)) {
        const { ids, length } = this.#model.encodeWord(text, at, next);
        for (let i = 0; i < length; i++) buffer.push(ids[i]!);
        if (length > 0) cache.add(text, at, next, ids, length);
      }
      at = next;
    }
  }
}
