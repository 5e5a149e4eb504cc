/**
 * What a tokenizer is trained on: one text, or documents one after another. No token crosses from one document to the
 * next. An async iterable is read once, and only the distinct words are kept, so it may be larger than memory; for
 * files see `readTextFiles` of `@minigpt/tokenizers/node`, for other streams {@link documentsOf}.
 */
export type Corpus = string | Iterable<string> | AsyncIterable<string>;

export async function* documents(corpus: Corpus): AsyncGenerator<string> {
  if (typeof corpus === 'string') yield corpus;
  else yield* corpus;
}

/** Documents longer than this, in UTF-16 units, are cut even where no word ends. */
const LONGEST_HELD = 1 << 24;

/**
 * A stream of text in pieces cut anywhere (`blob.stream()` through a `TextDecoderStream`, a Node stream with an
 * encoding) as pieces that are cut only between a letter or digit and white space: there every published split pattern
 * ends a token, so training on the pieces equals training on the whole text.
 */
export async function* documentsOf(stream: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let held = '';
  for await (const piece of stream) {
    const seen = held.length;
    held += piece;
    const cut = lastWordEnd(held, seen) || (held.length > LONGEST_HELD ? wholeCharacters(held) : 0);
    if (cut === 0) continue;
    yield held.slice(0, cut);
    held = held.slice(cut);
  }
  if (held !== '') yield held;
}

const ALPHANUMERIC = /[\p{L}\p{N}]/u;

/** The last index from `from` on with a letter or digit before it and a space or line feed after; 0 where none is. */
function lastWordEnd(text: string, from: number): number {
  for (let i = text.length - 1; i >= Math.max(from, 1); i--) {
    const unit = text.charCodeAt(i);
    if ((unit === 0x20 || unit === 0x0a) && ALPHANUMERIC.test(text[i - 1]!)) return i;
  }
  return 0;
}

function wholeCharacters(text: string): number {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last < 0xdc00 ? text.length - 1 : text.length;
}
