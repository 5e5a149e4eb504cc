/** Base class of every error this package throws on purpose: `catch (e) { if (e instanceof TokenizerError) … }`. */
export class TokenizerError extends Error {
  override name = 'TokenizerError';
}

/** A file or object is not what its format says: truncated, inconsistent, or not a tokenizer at all. */
export class TokenizerFormatError extends TokenizerError {
  override name = 'TokenizerFormatError';
  constructor(
    /** The format that was being read, for example `tokenizer.json` or `SentencePiece .model`. */
    readonly format: string,
    /** What is wrong, where. */
    readonly reason: string,
  ) {
    super(`Not a valid ${format}: ${reason}`);
  }
}

/** A tokenizer.json names a component, or an option of one, that this package does not implement. */
export class UnknownComponentError extends TokenizerError {
  override name = 'UnknownComponentError';
  constructor(
    /** The slot: `normalizer`, `pre_tokenizer`, `model`, `post_processor` or `decoder`. */
    readonly slot: string,
    /** The name that came, or the option, for example `BPE.dropout`. */
    readonly component: string,
    hint: string,
  ) {
    super(`Unknown ${slot} ${JSON.stringify(component)}: ${hint}`);
  }
}

/** The text holds a piece that the vocabulary lacks, and the tokenizer has no unknown token to stand for it. */
export class UnknownTokenError extends TokenizerError {
  override name = 'UnknownTokenError';
  constructor(
    /** The piece of text without an id. */
    readonly piece: string,
    /** Where it begins in the text given, in UTF-16 code units. */
    readonly position: number,
  ) {
    super(
      `The vocabulary has no token for ${JSON.stringify(piece)}${codePoints(piece)} at position ${position}, and the ` +
        'tokenizer has no unknown token: train it on text that contains this, or remove it from the text.',
    );
  }
}

/** The text contains a special token that the caller did not allow (tiktoken's policy). */
export class DisallowedSpecialTokenError extends TokenizerError {
  override name = 'DisallowedSpecialTokenError';
  constructor(
    readonly token: string,
    /** Where it begins in the text given, in UTF-16 code units. */
    readonly position: number,
  ) {
    const quoted = JSON.stringify(token);
    super(
      `The text contains the special token ${quoted} at position ${position}: pass { allowedSpecial: [${quoted}] } ` +
        `to encode it as that token, or { disallowedSpecial: [] } to encode it as ordinary text.`,
    );
  }
}

/** An id given to `decode` or `tokenBytes` is not in the vocabulary. */
export class TokenIdError extends TokenizerError {
  override name = 'TokenIdError';
  constructor(
    readonly id: number,
    readonly vocabSize: number,
    /** Index into the ids given, where there are several. */
    readonly index?: number,
  ) {
    super(
      `Token id ${id}${index === undefined ? '' : ` at index ${index}`} is not in the vocabulary of ${vocabSize} tokens.`,
    );
  }
}

/** `decode` with `errors: 'strict'` met bytes that are not UTF-8. */
export class InvalidUtf8Error extends TokenizerError {
  override name = 'InvalidUtf8Error';
  constructor(
    /** Offset of the first bad byte in the decoded bytes. */
    readonly byteOffset: number,
  ) {
    super(
      `The tokens are not valid UTF-8 at byte ${byteOffset}: decode whole characters, or pass { errors: 'replace' } ` +
        'to get U+FFFD in place of the bad bytes.',
    );
  }
}

/** A file to train on is not UTF-8. */
export class TextFileEncodingError extends TokenizerError {
  override name = 'TextFileEncodingError';
  constructor(
    readonly path: string,
    options?: ErrorOptions,
  ) {
    super(
      `A text must be UTF-8, but ${path} is not; convert it first, for example with iconv -f WINDOWS-1252 -t UTF-8.`,
      options,
    );
  }
}

/** A pattern of a pre-tokenizer or normalizer cannot be translated to, or run safely as, a JavaScript regular expression. */
export class PatternError extends TokenizerError {
  override name = 'PatternError';
  constructor(
    readonly pattern: string,
    readonly reason: string,
  ) {
    const shown = pattern.length > 200 ? `${pattern.slice(0, 200)}…` : pattern;
    super(`Cannot use the pattern ${JSON.stringify(shown)}: ${reason}`);
  }
}

/** `encodeInto` was given an array with too little room, or whose elements cannot hold the ids. */
export class TargetArrayError extends TokenizerError {
  override name = 'TargetArrayError';
}

/** An optional npm package that holds data for a named encoding is absent or not the expected file. */
export class EncodingDataError extends TokenizerError {
  override name = 'EncodingDataError';
}

function codePoints(piece: string): string {
  const points = [...piece]
    .slice(0, 4)
    .map((c) => `U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`);
  return ` (${points.join(' ')}${[...piece].length > 4 ? ' …' : ''})`;
}
