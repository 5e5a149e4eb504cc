import { TokenizerFormatError, UnknownComponentError } from '../errors.ts';
import type { AddedToken, PreTokenizerSpec, TokenizerJson } from '../tokenizer-json.ts';
import { BYTE_LEVEL } from './byte-level.ts';
import { GGUF_PRE_TOKENIZERS, SINGLE_DIGIT } from './gguf-split-patterns.ts';
import { type Piece, PieceType } from './piece-type.ts';
import { sentencePieceToJson } from './sentencepiece-json.ts';
import { SPLIT_PATTERNS } from './split-patterns.ts';
import { templateAround } from './template-around.ts';

const FORMAT = 'GGUF vocabulary';
/** Vocabularies above this are refused. */
const MAX_TOKENS = 1 << 22;

/** A GGUF file's metadata by key; only the keys that begin with `tokenizer.` are read. */
export type GgufMetadata = Readonly<Record<string, unknown>>;

/**
 * The tokenizer in a GGUF file's metadata, given as an object: strings, numbers, booleans, and arrays of them (typed
 * arrays too). `tokenizer.ggml.model` may be `llama` (SentencePiece BPE), `gpt2` (byte-level BPE, with the split of
 * `tokenizer.ggml.pre`), `bert` (WordPiece) or `t5` (SentencePiece Unigram). Ids are those of llama.cpp.
 * @throws TokenizerFormatError, UnknownComponentError
 */
export function readGgufVocabulary(metadata: GgufMetadata): TokenizerJson {
  const vocabulary = new Vocabulary(metadata);
  const model = vocabulary.string('model');
  switch (model) {
    case 'llama':
      return sentencePiece(vocabulary, 'bpe');
    case 't5':
      return sentencePiece(vocabulary, 'unigram');
    case 'gpt2':
      return byteLevelBpe(vocabulary);
    case 'bert':
      return wordPiece(vocabulary);
    default:
      throw new UnknownComponentError(
        'model',
        String(model),
        'tokenizer.ggml.model must be llama, t5, gpt2 or bert.',
      );
  }
}

/** Checked access to `tokenizer.ggml.*`. */
class Vocabulary {
  readonly tokens: readonly string[];
  readonly types: ArrayLike<number>;

  constructor(private readonly metadata: GgufMetadata) {
    const tokens = this.value('tokens');
    if (!Array.isArray(tokens) || !tokens.every((token) => typeof token === 'string')) {
      this.fail('tokens', 'an array of strings');
    }
    if (tokens.length === 0 || tokens.length > MAX_TOKENS) this.fail('tokens', `1 to ${MAX_TOKENS} tokens`);
    this.tokens = (tokens as string[]).map((token, id) => token || `[EMPTY_${id}]`);
    this.types = this.numbers('token_type') ?? tokens.map(() => PieceType.normal);
  }

  fail(key: string, rule: string): never {
    throw new TokenizerFormatError(FORMAT, `tokenizer.ggml.${key} must be ${rule}.`);
  }

  value(key: string): unknown {
    const name = `tokenizer.ggml.${key}`;
    return Object.hasOwn(this.metadata, name) ? this.metadata[name] : undefined;
  }

  string(key: string): string | undefined {
    const value = this.value(key);
    return value === undefined || typeof value === 'string' ? value : this.fail(key, 'a string');
  }

  flag(key: string): boolean | undefined {
    const value = this.value(key);
    return value === undefined || typeof value === 'boolean' ? value : this.fail(key, 'true or false');
  }

  /** An array with a number for each token. */
  numbers(key: string): ArrayLike<number> | undefined {
    const value = this.array(key);
    if (value && value.length !== this.tokens.length)
      this.fail(key, `an array of ${this.tokens.length} numbers`);
    return value;
  }

  array(key: string): ArrayLike<number> | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    const list =
      Array.isArray(value) || ArrayBuffer.isView(value) ? (value as unknown as ArrayLike<unknown>) : [NaN];
    for (let i = 0; i < list.length; i++) {
      if (typeof list[i] !== 'number' || !Number.isFinite(list[i]))
        this.fail(key, 'an array of finite numbers');
    }
    return list as ArrayLike<number>;
  }

  /** A token's id by the name of its role; undefined where the role is not given, or names no token. */
  id(role: string): number | undefined {
    const value = this.value(`${role}_token_id`);
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < this.tokens.length
      ? value
      : undefined;
  }

  /** Token to id. @throws TokenizerFormatError where two ids have the same token */
  vocab(spell: (token: string, id: number) => string = (token) => token): Record<string, number> {
    const ids = new Map<string, number>();
    this.tokens.forEach((token, id) => {
      const spelled = spell(token, id);
      const first = ids.get(spelled);
      if (first !== undefined)
        this.fail('tokens', `distinct: ${JSON.stringify(spelled)} has the ids ${first} and ${id}`);
      ids.set(spelled, id);
    });
    return Object.fromEntries(ids);
  }

  /** Control tokens as special tokens, user-defined ones as tokens that text may hold. */
  addedTokens(): AddedToken[] {
    const added: AddedToken[] = [];
    this.tokens.forEach((content, id) => {
      const type = this.types[id];
      const special = type === PieceType.control || type === PieceType.unknown;
      if (!special && type !== PieceType.userDefined) return;
      added.push({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special,
      });
    });
    return added;
  }
}

function sentencePiece(vocabulary: Vocabulary, algorithm: 'bpe' | 'unigram'): TokenizerJson {
  const { tokens, types } = vocabulary;
  const scores = vocabulary.numbers('scores') ?? vocabulary.fail('scores', 'given');
  const pieces = tokens.map((piece, id): Piece => ({ piece, score: scores[id]!, type: types[id]! }));
  const isBpe = algorithm === 'bpe';
  return sentencePieceToJson({
    format: FORMAT,
    algorithm,
    pieces,
    byteFallback: pieces.some(({ type }) => type === PieceType.byte),
    charsmap: Uint8Array.from(vocabulary.array('precompiled_charsmap') ?? []),
    addDummyPrefix: vocabulary.flag('add_space_prefix') ?? true,
    removeExtraWhitespaces: vocabulary.flag('remove_extra_whitespaces') ?? false,
    escapeWhitespaces: true,
    whitespaceAsSuffix: false,
    unknownSurface: ' \u2047 ',
    prefixId: (vocabulary.flag('add_bos_token') ?? isBpe) ? vocabulary.id('bos') : undefined,
    suffixId: (vocabulary.flag('add_eos_token') ?? !isBpe) ? vocabulary.id('eos') : undefined,
  });
}

function byteLevelBpe(vocabulary: Vocabulary): TokenizerJson {
  const pre = vocabulary.string('pre') ?? 'default';
  if (!Object.hasOwn(GGUF_PRE_TOKENIZERS, pre)) {
    throw new UnknownComponentError(
      'pre_tokenizer',
      pre,
      `tokenizer.ggml.pre must be one of ${Object.keys(GGUF_PRE_TOKENIZERS).join(', ')}.`,
    );
  }
  const { patterns, ignoreMerges = false, addBos = false } = GGUF_PRE_TOKENIZERS[pre]!;
  const prefix = (vocabulary.flag('add_bos_token') ?? addBos) ? vocabulary.id('bos') : undefined;
  const suffix = vocabulary.flag('add_eos_token') ? vocabulary.id('eos') : undefined;
  return {
    version: '1.0',
    added_tokens: vocabulary.addedTokens(),
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: splitSteps(patterns) },
    post_processor: templateAround(vocabulary.tokens, prefix, suffix),
    decoder: BYTE_LEVEL,
    model: {
      type: 'BPE',
      vocab: vocabulary.vocab(),
      merges: merges(vocabulary),
      ignore_merges: ignoreMerges,
    },
  };
}

/** The patterns in turn, then bytes. GPT-2's pattern and single digits are spelled as published tokenizer.json files do. */
function splitSteps(patterns: readonly string[]): PreTokenizerSpec[] {
  const endsInGpt2 = patterns.at(-1) === SPLIT_PATTERNS.gpt2;
  const steps = (endsInGpt2 ? patterns.slice(0, -1) : patterns).map((Regex): PreTokenizerSpec => {
    if (Regex === SINGLE_DIGIT) return { type: 'Digits', individual_digits: true };
    return { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
  });
  return [...steps, { ...BYTE_LEVEL, use_regex: endsInGpt2 }];
}

function merges(vocabulary: Vocabulary): (readonly [string, string])[] {
  const lines = vocabulary.value('merges');
  if (!Array.isArray(lines)) return vocabulary.fail('merges', 'an array of strings');
  return lines.map((line: unknown) => {
    // A token may itself hold a space only at its start: look for the separator behind it.
    const space = typeof line === 'string' ? line.indexOf(' ', 1) : -1;
    if (typeof line !== 'string' || space < 0 || space === line.length - 1) {
      return vocabulary.fail(
        'merges',
        `pairs of tokens with a space between, unlike ${JSON.stringify(line)}`,
      );
    }
    return [line.slice(0, space), line.slice(space + 1)] as const;
  });
}

/** llama.cpp keeps BERT's vocabulary the other way round: U+2581 before what begins a word, no `##` before what does not. */
function wordPiece(vocabulary: Vocabulary): TokenizerJson {
  const { tokens, types } = vocabulary;
  const spelled = tokens.map((token, id) => {
    if (types[id] !== PieceType.normal) return token;
    return token.startsWith('\u2581') ? token.slice(1) : `##${token}`;
  });
  const unknown = vocabulary.id('unknown') ?? tokens.indexOf('[UNK]');
  if (unknown < 0) vocabulary.fail('unknown_token_id', 'given where there is no token [UNK]');
  const prefix = vocabulary.id('cls') ?? vocabulary.id('bos');
  const suffix = vocabulary.id('seperator') ?? vocabulary.id('sep') ?? vocabulary.id('eos');
  return {
    version: '1.0',
    added_tokens: vocabulary.addedTokens(),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: templateAround(spelled, prefix, suffix, { prefixBeforePair: false }),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      vocab: vocabulary.vocab((_, id) => spelled[id]!),
      unk_token: spelled[unknown]!,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
    },
  };
}
