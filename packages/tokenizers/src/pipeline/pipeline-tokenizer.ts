import { TargetArrayError, TokenIdError, UnknownTokenError } from '../errors.ts';
import { type Model, NO_TOKEN } from '../models/model.ts';
import type { WordEncoder } from '../scan/word-encoder.ts';
import type {
  DecodeOptions,
  EncodeOptions,
  Encoding,
  StreamingDecoder,
  TokenArray,
  Tokenizer,
} from '../tokenizer.ts';
import type { TokenizerJson, TokenizerSpec } from '../tokenizer-json.ts';
import type { AddedTokenSearch, AddedTokens, FindAdded } from './added-tokens.ts';
import { AlignedText } from './aligned-text.ts';
import type { Decoder } from './decoder.ts';
import { IdBuffer } from './id-buffer.ts';
import type { Normalizer } from './normalizer.ts';
import type { Place, PostProcessor } from './post-processor.ts';
import type { PreTokenizer } from './pre-tokenizer.ts';
import { utf8Offsets, wellFormed } from './unicode.ts';

export interface Pipeline {
  readonly spec: TokenizerSpec;
  readonly added: AddedTokens;
  readonly normalizer: Normalizer | undefined;
  /** As the model takes it: for a byte-level model, without the spelling of bytes. */
  readonly preTokenizer: PreTokenizer | undefined;
  readonly model: Model;
  /** A faster way from a stretch of normalized text to ids, where there is one. */
  readonly words: WordEncoder | undefined;
  readonly postProcessor: PostProcessor;
  readonly decoder: Decoder;
}

interface Token {
  readonly id: number;
  /** Where it is not what the vocabulary says. */
  readonly text?: string;
  readonly start: number;
  readonly end: number;
}

/** 64 kB. */
const SPARE_IDS = 2 ** 14;

const utf8 = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true });
const utf8Encoder = /* @__PURE__ */ new TextEncoder();

/** Added tokens, normalizer, pre-tokenizer, model, post-processor and decoder, one after another. */
export class PipelineTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly #p: Pipeline;
  /** What the decoder makes of each id, filled as ids are met. */
  readonly #decodedBytes: (Uint8Array | undefined)[] = [];
  /** For the next `encode`: a typed array costs more to make than a short text to encode. */
  #spare: IdBuffer | undefined;

  constructor(pipeline: Pipeline) {
    this.#p = pipeline;
    this.specialTokens = pipeline.added.special;
    let size = pipeline.model.size;
    for (const id of pipeline.added.byId.keys()) size = Math.max(size, id + 1);
    this.vocabSize = size;
  }

  encode(text: string, options: EncodeOptions = {}): number[] {
    const buffer = this.#spare ?? new IdBuffer(SPARE_IDS);
    this.#spare = undefined; // ours until we give it back
    buffer.length = 0;
    this.#encodeTo(text, buffer, options);
    if (buffer.ids.length <= SPARE_IDS) this.#spare = buffer;
    return toArray(buffer);
  }

  encodePair(text: string, pair: string, options: EncodeOptions = {}): number[] {
    return this.encodeWithOffsets(text, { ...options, pair }).ids;
  }

  encodeBatch(texts: readonly string[], options: EncodeOptions = {}): number[][] {
    return texts.map((text) => this.encode(text, options));
  }

  count(text: string, options: EncodeOptions = {}): number {
    let total = 0;
    const buffer = new IdBuffer(4096, (_, length) => {
      total += length;
    });
    this.#encodeTo(text, buffer, options);
    return total + buffer.length;
  }

  encodeInto(text: string, target: TokenArray, start = 0, options: EncodeOptions = {}): number {
    const limit = target instanceof Uint16Array ? 0xffff : 0x7fffffff;
    if (this.vocabSize - 1 > limit) {
      throw new TargetArrayError(
        `Ids up to ${this.vocabSize - 1} do not fit a Uint16Array: pass a Uint32Array.`,
      );
    }
    let at = start;
    const write = (ids: Int32Array, length: number) => {
      if (at + length > target.length) {
        throw new TargetArrayError(
          `The text has more tokens than fit: the array has room for ${target.length - start} from index ${start}. ` +
            'Ask count(text) first, or pass a larger array.',
        );
      }
      target.set(ids.subarray(0, length), at);
      at += length;
    };
    const buffer = new IdBuffer(4096, write);
    this.#encodeTo(text, buffer, options);
    write(buffer.ids, buffer.length);
    return at - start;
  }

  #encodeTo(text: string, buffer: IdBuffer, options: EncodeOptions): void {
    const search = this.#p.added.search(options);
    const places = options.addSpecialTokens ? this.#p.postProcessor.single : undefined;
    if (!places) {
      this.#encodeText(text, search, buffer);
      return;
    }
    for (const place of places) {
      if ('sequence' in place) this.#encodeText(text, search, buffer);
      else for (const id of place.ids) buffer.push(id);
    }
  }

  #encodeText(text: string, search: AddedTokenSearch, buffer: IdBuffer): void {
    if (!search.raw) {
      this.#encodeSection(text, 0, text.length, search.normalized, buffer);
      return;
    }
    let at = 0;
    for (const { token, start, end } of search.raw(text)) {
      if (start > at) this.#encodeSection(text, at, start, search.normalized, buffer);
      buffer.push(token.id);
      at = end;
    }
    if (at < text.length) this.#encodeSection(text, at, text.length, search.normalized, buffer);
  }

  /** A stretch without added tokens of the kind that is looked for in the text as given. */
  #encodeSection(
    text: string,
    start: number,
    end: number,
    added: FindAdded | undefined,
    buffer: IdBuffer,
  ): void {
    const { normalizer, words } = this.#p;
    if (!normalizer && !added && words) {
      words.encode(text, start, end, buffer);
      return;
    }
    const emit = (id: number) => {
      // Encoding once more with offsets says where the unknown piece is.
      if (id === NO_TOKEN) this.#throwUnknown(text, start, end);
      buffer.push(id);
    };
    const source = AlignedText.untracked(
      wellFormed(start === 0 && end === text.length ? text : text.slice(start, end)),
    );
    this.#eachPart(start === 0 ? source : source.asContinuation(), added, (part) => {
      if ('token' in part) buffer.push(part.token.id);
      else if (words) words.encode(part.text, 0, part.text.length, buffer);
      else for (const piece of this.#pieces(part)) this.#p.model.tokenize(piece.text, emit);
    });
  }

  #throwUnknown(text: string, start: number, end: number): never {
    this.#tokensOf(AlignedText.tracked(wellFormed(text), start, end), undefined, [], text);
    throw new UnknownTokenError(text.slice(start, end), start);
  }

  /** Normalizes, and looks for the added tokens that are looked for in normalized text. */
  #eachPart(
    section: AlignedText,
    added: FindAdded | undefined,
    visit: (
      part: AlignedText | { readonly token: { readonly id: number }; readonly at: AlignedText },
    ) => void,
  ): void {
    const text = this.#p.normalizer ? this.#p.normalizer(section) : section;
    let at = 0;
    for (const { token, start, end } of added?.(text.text) ?? []) {
      if (start > at) visit(text.slice(at, start));
      visit({ token, at: text.slice(start, end) });
      at = end;
    }
    if (at < text.text.length) visit(text.slice(at, text.text.length));
  }

  #pieces(part: AlignedText): AlignedText[] {
    const { preTokenizer } = this.#p;
    return preTokenizer ? preTokenizer(part).filter((piece) => piece.text !== '') : [part];
  }

  encodeWithOffsets(text: string, options: EncodeOptions & { readonly pair?: string } = {}): Encoding {
    const { pair, addSpecialTokens = false } = options;
    const search = this.#p.added.search(options);
    const { single, pair: both, trimOffsets } = this.#p.postProcessor;
    const sources = { A: text, B: pair ?? '' };
    const places = pair === undefined ? single : both;
    const encoding: Encoding = {
      ids: [],
      tokens: [],
      offsets: [],
      byteOffsets: [],
      typeIds: [],
      specialTokensMask: [],
    };
    for (const place of places) {
      if ('sequence' in place) {
        this.#appendSequence(sources[place.sequence], search, place, trimOffsets, encoding);
      } else if (addSpecialTokens) {
        place.ids.forEach((id, i) => {
          append(encoding, id, place.tokens[i] ?? this.idToToken(id) ?? '', [0, 0], [0, 0], place.typeId, 1);
        });
      }
    }
    return encoding;
  }

  #appendSequence(
    text: string,
    search: AddedTokenSearch,
    place: Place,
    trim: PostProcessor['trimOffsets'],
    encoding: Encoding,
  ): void {
    const tokens: Token[] = [];
    const clean = wellFormed(text);
    let at = 0;
    for (const { token, start, end } of search.raw?.(clean) ?? []) {
      if (start > at) this.#tokensOf(AlignedText.tracked(clean, at, start), search.normalized, tokens, text);
      tokens.push({ id: token.id, start, end });
      at = end;
    }
    if (at < clean.length)
      this.#tokensOf(AlignedText.tracked(clean, at, clean.length), search.normalized, tokens, text);
    const bytes = utf8Offsets(clean);
    tokens.forEach(({ id, text: verbatim, start, end }, i) => {
      const token = verbatim ?? this.idToToken(id) ?? '';
      const offsets = trim ? trim(token, start, end, i === 0) : ([start, end] as const);
      append(encoding, id, token, offsets, [bytes[offsets[0]]!, bytes[offsets[1]]!], place.typeId, 0);
    });
  }

  /** The tokens of a section, with where they lie in the whole text. @throws UnknownTokenError */
  #tokensOf(section: AlignedText, added: FindAdded | undefined, tokens: Token[], text: string): void {
    this.#eachPart(section, added, (part) => {
      if ('token' in part) {
        const { at, token } = part;
        tokens.push({ id: token.id, start: at.originalStart(0), end: at.originalEnd(at.text.length) });
        return;
      }
      for (const piece of this.#pieces(part)) {
        this.#p.model.tokenize(piece.text, (id, from, to) => {
          const start = piece.originalStart(from);
          const end = piece.originalEnd(to);
          if (id === NO_TOKEN) throw new UnknownTokenError(text.slice(start, end), start);
          if (id === this.#p.model.verbatim)
            tokens.push({ id, text: piece.text.slice(from, to), start, end });
          else tokens.push({ id, start, end });
        });
      }
    });
  }

  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    if (this.#p.decoder.isBytes && options.errors !== 'strict') return this.#decodeBytes(ids, options);
    const decoder = this.streamingDecoder(options);
    let text = '';
    for (const id of ids) text += decoder.push(id);
    return text + decoder.flush();
  }

  #decodeBytes(ids: Iterable<number>, { skipSpecialTokens = false }: DecodeOptions): string {
    let bytes = new Uint8Array(1024);
    let length = 0;
    let index = 0;
    for (const id of ids) {
      const token = this.#decodedBytes[id] ?? this.#readBytes(id, index);
      index++;
      if (skipSpecialTokens && this.#p.added.byId.get(id)?.special) continue;
      if (length + token.length > bytes.length) {
        const grown = new Uint8Array((length + token.length) * 2);
        grown.set(bytes);
        bytes = grown;
      }
      for (let i = 0; i < token.length; i++) bytes[length++] = token[i]!;
    }
    return utf8.decode(bytes.subarray(0, length));
  }

  #readBytes(id: number, index: number): Uint8Array {
    const token = this.idToToken(id);
    if (token === undefined) throw new TokenIdError(id, this.vocabSize, index);
    const bytes = this.#p.decoder.tokenBytes(token);
    this.#decodedBytes[id] = bytes;
    return bytes;
  }

  streamingDecoder(options: DecodeOptions = {}): StreamingDecoder {
    const { skipSpecialTokens = false, errors = 'replace' } = options;
    const { decoder, added } = this.#p;
    let stage = decoder.start(errors);
    let index = 0;
    let isFirst = true;
    const collect = (run: (sink: (text: string) => void) => void) => {
      let text = '';
      run((part) => {
        text += part;
      });
      return text;
    };
    return {
      push: (id) => {
        const token = this.idToToken(id);
        if (token === undefined) throw new TokenIdError(id, this.vocabSize, index);
        index++;
        if (skipSpecialTokens && added.byId.get(id)?.special) return '';
        const separator = isFirst ? '' : decoder.separator;
        isFirst = false;
        return separator + collect((sink) => stage.push(token, sink));
      },
      flush: () => {
        const text = collect((sink) => stage.flush(sink));
        stage = decoder.start(errors);
        index = 0;
        isFirst = true;
        return text;
      },
    };
  }

  vocabulary(): ReadonlyMap<string, number> {
    const all = new Map(this.#p.model.vocabulary.ids);
    for (const [content, { id }] of this.#p.added.byContent) all.set(content, id);
    return all;
  }

  tokenToId(token: string): number | undefined {
    return this.#p.added.byContent.get(token)?.id ?? this.#p.model.vocabulary.ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#p.added.byId.get(id)?.content ?? this.#p.model.vocabulary.tokens[id];
  }

  tokenBytes(id: number): Uint8Array {
    const token = this.idToToken(id);
    if (token === undefined) throw new TokenIdError(id, this.vocabSize);
    return this.#p.added.byId.has(id) ? utf8Encoder.encode(token) : this.#p.decoder.tokenBytes(token);
  }

  longestTokens(n: number): { readonly id: number; readonly token: string; readonly bytes: Uint8Array }[] {
    const all = [];
    for (let id = 0; id < this.vocabSize; id++) {
      const token = this.idToToken(id);
      if (token === undefined || this.specialTokens.has(token)) continue;
      all.push({ id, token, bytes: this.tokenBytes(id) });
    }
    return all.sort((a, b) => b.bytes.length - a.bytes.length || a.id - b.id).slice(0, n);
  }

  toJSON(): TokenizerJson {
    const { spec, model, added } = this.#p;
    return {
      version: '1.0',
      truncation: spec.truncation ?? null,
      padding: spec.padding ?? null,
      added_tokens: added.list.map(({ id, content, special = false, ...token }) => ({
        id,
        content,
        single_word: token.single_word ?? false,
        lstrip: token.lstrip ?? false,
        rstrip: token.rstrip ?? false,
        normalized: token.normalized ?? !special,
        special,
      })),
      normalizer: spec.normalizer ?? null,
      pre_tokenizer: spec.pre_tokenizer ?? null,
      post_processor: spec.post_processor ?? null,
      decoder: spec.decoder ?? null,
      model: model.toJSON(),
    };
  }
}

function toArray(buffer: IdBuffer): number[] {
  const { length, ids: found } = buffer;
  const ids: number[] = new Array(length);
  for (let i = 0; i < length; i++) ids[i] = found[i]!;
  return ids;
}

function append(
  encoding: Encoding,
  id: number,
  token: string,
  offsets: readonly [number, number],
  byteOffsets: readonly [number, number],
  typeId: number,
  special: 0 | 1,
): void {
  encoding.ids.push(id);
  encoding.tokens.push(token);
  encoding.offsets.push(offsets);
  encoding.byteOffsets.push(byteOffsets);
  encoding.typeIds.push(typeId);
  encoding.specialTokensMask.push(special);
}
