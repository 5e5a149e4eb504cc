import { TokenizerFormatError, UnknownComponentError } from '../errors.ts';
import type { CompilePattern } from '../regex/find.ts';
import type { DecoderSpec } from '../tokenizer-json.ts';
import { alphabetToBytes } from './byte-alphabet.ts';
import { compileFind } from './normalizer.ts';
import { prependScheme } from './pre-tokenizer.ts';
import { Utf8Decoder } from './utf8-decoder.ts';

/** Takes a token, or text made of tokens, from the stage before. */
type Sink = (text: string) => void;

/**
 * One stage of decoding one sequence: tokens come in from left to right, and go on as soon as what follows cannot
 * change them. `decode` and the streaming decoder are the same stages.
 */
export interface DecoderStage {
  push(token: string, next: Sink): void;
  flush(next: Sink): void;
}

export interface Decoder {
  /** Fresh stages for one sequence. */
  start(errors: 'replace' | 'strict'): DecoderStage;
  /** The bytes that a token stands for inside a text. */
  tokenBytes(token: string): Uint8Array;
  /** Whether the text is just the UTF-8 of all tokens' bytes. */
  readonly isBytes: boolean;
  /** What stands between tokens in the text. */
  readonly separator: string;
}

const encoder = /* @__PURE__ */ new TextEncoder();

/** A kind of decoder: how to start it, and how it changes a token that stands in the middle of a text. */
interface Kind {
  start(errors: 'replace' | 'strict'): DecoderStage;
  inside(token: string): string | Uint8Array;
}

/** Further decoders than those that byte-level and SentencePiece tokenizers use. */
export type MoreDecoders = (spec: DecoderSpec) => Kind | undefined;

/** @throws UnknownComponentError, PatternError, TokenizerFormatError */
export function compileDecoder(
  spec: DecoderSpec | null | undefined,
  compile: CompilePattern,
  more?: MoreDecoders,
): Decoder {
  if (!spec)
    return {
      start: () => perToken((t) => t),
      tokenBytes: (t) => encoder.encode(t),
      isBytes: false,
      separator: ' ',
    };
  const parts = flatten(spec);
  const fuse = parts.findIndex((part) => part.type === 'Fuse');
  const kinds = parts.map((part, i) => kindOf(part, fuse >= 0 && i > fuse, compile, more));
  return {
    start: (errors) => kinds.map((kind) => kind.start(errors)).reduceRight(chain),
    tokenBytes(token) {
      let current = token;
      for (const kind of kinds) {
        const changed = kind.inside(current);
        if (typeof changed !== 'string') return changed;
        current = changed;
      }
      return encoder.encode(current);
    },
    isBytes: kinds.length === 1 && parts[0]?.type === 'ByteLevel',
    separator: '',
  };
}

function flatten(spec: DecoderSpec): DecoderSpec[] {
  if (spec.type !== 'Sequence') return [spec];
  const parts = spec.decoders.flatMap(flatten);
  return parts.length > 0 ? parts : [{ type: 'Fuse' }];
}

function chain(second: DecoderStage, first: DecoderStage): DecoderStage {
  return {
    push: (token, next) => first.push(token, (text) => second.push(text, next)),
    flush(next) {
      first.flush((text) => second.push(text, next));
      second.flush(next);
    },
  };
}

export function perToken(map: (token: string, isFirst: boolean) => string): DecoderStage {
  let isFirst = true;
  return {
    push(token, next) {
      next(map(token, isFirst));
      isFirst = false;
    },
    flush: () => {},
  };
}

function kindOf(spec: DecoderSpec, isFused: boolean, compile: CompilePattern, more?: MoreDecoders): Kind {
  switch (spec.type) {
    case 'ByteLevel':
      return { start: byteLevelStage, inside: alphabetToBytes };
    case 'ByteFallback':
      return { start: byteFallbackStage, inside: (token) => byteOf(token) ?? token };
    case 'Fuse':
      return { start: () => perToken((token) => token), inside: (token) => token };
    case 'Metaspace': {
      const scheme = prependScheme(spec);
      const spaced = (token: string) => token.replaceAll(spec.replacement, ' ');
      return {
        start: () =>
          perToken((token, isFirst) =>
            isFirst && scheme !== 'never' ? token.replaceAll(spec.replacement, '') : spaced(token),
          ),
        inside: spaced,
      };
    }
    case 'Replace': {
      const find = compileFind(spec.pattern, compile);
      const replace = (text: string) => {
        let replaced = '';
        let at = 0;
        for (const [start, end] of find(text)) {
          replaced += text.slice(at, start) + spec.content;
          at = end;
        }
        return replaced + text.slice(at);
      };
      return { start: () => (isFused ? wholeTextStage(replace) : perToken(replace)), inside: replace };
    }
    case 'Strip': {
      const { content, start, stop } = spec;
      if (content.length !== 1)
        throw new TokenizerFormatError('tokenizer.json', "Strip's content is one character.");
      return {
        start: () =>
          isFused ? stripFusedStage(content, start, stop) : perToken((t) => strip(t, content, start, stop)),
        inside: (token) => (isFused ? token : strip(token, content, start, stop)),
      };
    }
    default: {
      const found = more?.(spec);
      if (found) return found;
      throw new UnknownComponentError('decoder', spec.type, 'there is no decoder of that name here.');
    }
  }
}

function byteLevelStage(errors: 'replace' | 'strict'): DecoderStage {
  const utf8 = new Utf8Decoder(errors, 'maximal-subpart');
  return {
    push: (token, next) => next(utf8.push(alphabetToBytes(token))),
    flush: (next) => next(utf8.flush()),
  };
}

/** `<0x0A>` as its byte. */
function byteOf(token: string): Uint8Array | undefined {
  const digits = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
  return digits ? Uint8Array.of(Number.parseInt(digits[1]!, 16)) : undefined;
}

function byteFallbackStage(errors: 'replace' | 'strict'): DecoderStage {
  const utf8 = new Utf8Decoder(errors, 'each-byte');
  return {
    push(token, next) {
      const byte = byteOf(token);
      if (byte) {
        const text = utf8.push(byte);
        if (text !== '') next(text);
        return;
      }
      const rest = utf8.flush();
      if (rest !== '') next(rest);
      next(token);
    },
    flush(next) {
      const rest = utf8.flush();
      if (rest !== '') next(rest);
    },
  };
}

function wholeTextStage(map: (text: string) => string): DecoderStage {
  let text = '';
  return {
    push(token) {
      text += token;
    },
    flush(next) {
      next(map(text));
      text = '';
    },
  };
}

function strip(text: string, content: string, start: number, stop: number): string {
  let from = 0;
  while (from < start && text[from] === content) from++;
  let to = text.length;
  while (text.length - to < stop && to > from && text[to - 1] === content) to--;
  return text.slice(from, to);
}

/** Strips the whole text: its first characters as they come, its last by holding back what may be the last. */
function stripFusedStage(content: string, start: number, stop: number): DecoderStage {
  let toStrip = start;
  let held = '';
  return {
    push(token, next) {
      let from = 0;
      while (toStrip > 0 && from < token.length) {
        if (token[from] !== content) toStrip = 0;
        else {
          from++;
          toStrip--;
        }
      }
      const text = held + token.slice(from);
      let keep = text.length;
      while (text.length - keep < stop && text[keep - 1] === content) keep--;
      held = text.slice(keep);
      next(text.slice(0, keep));
    },
    flush(next) {
      next(strip(held, content, 0, stop));
      held = '';
      toStrip = start;
    },
  };
}
