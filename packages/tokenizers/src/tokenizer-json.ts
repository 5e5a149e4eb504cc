/**
 * The one internal specification of a tokenizer: Hugging Face's tokenizer.json (`tokenizers` 0.23), as types.
 *
 * Every other format (SentencePiece, tiktoken, GGUF, llama2.c, vocab.json + merges.txt) and every trainer produces a
 * {@link TokenizerSpec}; `createTokenizer(spec)` from `create-tokenizer.ts` checks it and builds the `Tokenizer`.
 * `createTokenizer` does the validation, so converters only convert. Fields that `tokenizers` gives a default may be
 * left out. A null or absent slot means "nothing".
 */
export interface TokenizerJson {
  readonly version?: string;
  readonly truncation?: unknown;
  readonly padding?: unknown;
  readonly added_tokens?: readonly AddedToken[];
  readonly normalizer?: NormalizerSpec | null;
  readonly pre_tokenizer?: PreTokenizerSpec | null;
  readonly post_processor?: PostProcessorSpec | null;
  readonly decoder?: DecoderSpec | null;
  readonly model: ModelSpec;
}

/** What `createTokenizer` takes: a tokenizer.json, or one whose model is given in an extended form. */
export interface TokenizerSpec extends Omit<TokenizerJson, 'model'> {
  readonly model: ModelSpec | RankedBpeSpec;
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Only where no word character touches it. */
  readonly single_word?: boolean;
  /** Swallow white space to the left. */
  readonly lstrip?: boolean;
  /** Swallow white space to the right. */
  readonly rstrip?: boolean;
  /** Look for it in the normalized text rather than in the text as given. Default: not `special`. */
  readonly normalized?: boolean;
  readonly special?: boolean;
}

/** A literal string, or a regular expression in Oniguruma's syntax. */
export type PatternSpec = { readonly String: string } | { readonly Regex: string };

export type NormalizerSpec =
  | { readonly type: 'Sequence'; readonly normalizers: readonly NormalizerSpec[] }
  | { readonly type: 'NFC' | 'NFD' | 'NFKC' | 'NFKD' | 'Nmt' | 'Lowercase' | 'StripAccents' | 'ByteLevel' }
  | {
      readonly type: 'BertNormalizer';
      readonly clean_text?: boolean;
      readonly handle_chinese_chars?: boolean;
      readonly strip_accents?: boolean | null;
      readonly lowercase?: boolean;
    }
  | { readonly type: 'Strip'; readonly strip_left?: boolean; readonly strip_right?: boolean }
  | { readonly type: 'Replace'; readonly pattern: PatternSpec; readonly content: string }
  | { readonly type: 'Prepend'; readonly prepend: string }
  | {
      readonly type: 'Precompiled';
      /** SentencePiece's `precompiled_charsmap`, base64. */
      readonly precompiled_charsmap: string;
      /**
       * Extension, which Hugging Face's library ignores: replace the longest prefix that the table knows, as SentencePiece
       * does. Otherwise the table is asked, as Hugging Face's library does it, for short graphemes and for characters.
       */
      readonly longest_match?: boolean;
    };

export type SplitBehavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

export interface MetaspaceSpec {
  readonly type: 'Metaspace';
  readonly replacement: string;
  /** Before 0.15: `add_prefix_space`. */
  readonly prepend_scheme?: 'always' | 'never' | 'first';
  readonly add_prefix_space?: boolean;
  readonly split?: boolean;
}

export interface ByteLevelSpec {
  readonly type: 'ByteLevel';
  readonly add_prefix_space?: boolean;
  readonly trim_offsets?: boolean;
  readonly use_regex?: boolean;
}

export type PreTokenizerSpec =
  | { readonly type: 'Sequence'; readonly pretokenizers: readonly PreTokenizerSpec[] }
  | ByteLevelSpec
  | MetaspaceSpec
  | {
      readonly type: 'Split';
      readonly pattern: PatternSpec;
      readonly behavior: SplitBehavior;
      readonly invert: boolean;
    }
  | { readonly type: 'Digits'; readonly individual_digits?: boolean }
  | { readonly type: 'Punctuation'; readonly behavior?: SplitBehavior }
  | { readonly type: 'CharDelimiterSplit'; readonly delimiter: string }
  | { readonly type: 'FixedLength'; readonly length: number }
  | { readonly type: 'BertPreTokenizer' | 'Whitespace' | 'WhitespaceSplit' };

export interface BpeSpec {
  readonly type: 'BPE';
  /** Token to id. */
  readonly vocab: Readonly<Record<string, number>>;
  /** In order of priority; each `"left right"` or `["left", "right"]`. */
  readonly merges: readonly string[] | readonly (readonly [string, string])[];
  /** Training-time regularisation; anything but null or 0 is refused. */
  readonly dropout?: number | null;
  readonly unk_token?: string | null;
  readonly continuing_subword_prefix?: string | null;
  readonly end_of_word_suffix?: string | null;
  /** One unknown token for a run of unknown characters. */
  readonly fuse_unk?: boolean;
  /** Characters without a token become `<0x00>` … `<0xFF>` of their UTF-8. */
  readonly byte_fallback?: boolean;
  /** A word that is a token is that token, whatever the merges say. */
  readonly ignore_merges?: boolean;
}

/**
 * Extension, not part of tokenizer.json: byte-level BPE given by ranks, as tiktoken's files give it. Two neighbours
 * merge where their joined bytes are a token, lowest rank first; a token's rank is its id. The pre-tokenizer must end
 * in `ByteLevel`. `toJSON()` writes it as `BPE` with merges.
 */
export interface RankedBpeSpec {
  readonly type: 'RankedBPE';
  /** All tokens' bytes, one after another, in ascending order of rank. */
  readonly bytes: Uint8Array;
  /** `ends[i]` is where token i ends in `bytes`. */
  readonly ends: Uint32Array;
  /** `ids[i]` is the id, and rank, of token i: ascending, but gaps are allowed (p50k_base has one). */
  readonly ids: Uint32Array;
}

export interface UnigramSpec {
  readonly type: 'Unigram';
  /** Piece and log probability; the index is the id. */
  readonly vocab: readonly (readonly [string, number])[];
  readonly unk_id?: number | null;
  readonly byte_fallback?: boolean;
}

export interface WordPieceSpec {
  readonly type: 'WordPiece';
  readonly vocab: Readonly<Record<string, number>>;
  /** Default `[UNK]`. */
  readonly unk_token?: string;
  /** Default `##`. */
  readonly continuing_subword_prefix?: string;
  /** Longer words are unknown. Default 100. */
  readonly max_input_chars_per_word?: number;
}

export interface WordLevelSpec {
  readonly type: 'WordLevel';
  readonly vocab: Readonly<Record<string, number>>;
  /** Where the vocabulary lacks even this token, an unknown word is an error. Default `<unk>`. */
  readonly unk_token?: string;
}

export type ModelSpec = BpeSpec | UnigramSpec | WordPieceSpec | WordLevelSpec;

export type TemplatePiece =
  | { readonly SpecialToken: { readonly id: string; readonly type_id: number } }
  | { readonly Sequence: { readonly id: 'A' | 'B'; readonly type_id: number } };

export type PostProcessorSpec =
  | { readonly type: 'Sequence'; readonly processors: readonly PostProcessorSpec[] }
  | ByteLevelSpec
  | {
      readonly type: 'TemplateProcessing';
      readonly single: readonly TemplatePiece[];
      readonly pair: readonly TemplatePiece[];
      readonly special_tokens: Readonly<
        Record<
          string,
          { readonly id: string; readonly ids: readonly number[]; readonly tokens: readonly string[] }
        >
      >;
    }
  | {
      readonly type: 'BertProcessing';
      readonly sep: readonly [string, number];
      readonly cls: readonly [string, number];
    }
  | {
      readonly type: 'RobertaProcessing';
      readonly sep: readonly [string, number];
      readonly cls: readonly [string, number];
      readonly trim_offsets?: boolean;
      readonly add_prefix_space?: boolean;
    };

export type DecoderSpec =
  | { readonly type: 'Sequence'; readonly decoders: readonly DecoderSpec[] }
  | ByteLevelSpec
  | MetaspaceSpec
  | { readonly type: 'WordPiece'; readonly prefix?: string; readonly cleanup?: boolean }
  | { readonly type: 'BPEDecoder'; readonly suffix?: string }
  | {
      readonly type: 'CTC';
      readonly pad_token?: string;
      readonly word_delimiter_token?: string;
      readonly cleanup?: boolean;
    }
  | { readonly type: 'ByteFallback' | 'Fuse' }
  | { readonly type: 'Strip'; readonly content: string; readonly start: number; readonly stop: number }
  | { readonly type: 'Replace'; readonly pattern: PatternSpec; readonly content: string };
