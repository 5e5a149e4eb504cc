import type { ByteLevelBpe } from '../bpe/byte-level-bpe.ts';
import type { IdBuffer } from '../pipeline/id-buffer.ts';
import type { Scanner } from './scanner.ts';
import { WordCache } from './word-cache.ts';
import { WordReader } from './word-reader.ts';

/** From normalized text straight to ids: a scanner cuts words, a cache knows most of them, the model does the rest. */
export class WordEncoder {
  readonly #reader: WordReader;
  readonly #model: ByteLevelBpe;
  #cache: WordCache | undefined;

  constructor(scanner: Scanner, model: ByteLevelBpe) {
    this.#reader = new WordReader(scanner);
    this.#model = model;
  }

  encode(text: string, start: number, end: number, buffer: IdBuffer): void {
    this.#reader.read(text, start, end, (count) => this.#encodeWords(count, buffer));
  }

  #encodeWords(count: number, buffer: IdBuffer): void {
    this.#cache ??= new WordCache();
    const cache = this.#cache;
    const { bytes, view, ends } = this.#reader;
    buffer.reserve(ends[count - 1]!); // a byte makes one id at most
    const { ids } = buffer;
    let at = buffer.length;
    let start = 0;
    for (let word = 0; word < count; word++) {
      const end = ends[word]!;
      const next = cache.emit(view, start, end, ids, at);
      if (next >= 0) at = next;
      else {
        const symbols = this.#model.encodeWord(bytes, start, end);
        for (let i = 0; i < symbols.length; i++) ids[at++] = symbols.ids[i]!;
        if (symbols.length > 0) cache.add(view, start, end, symbols.ids, symbols.length);
      }
      start = end;
    }
    buffer.length = at;
  }
}
