import { createTokenizer } from './create-tokenizer.ts';
import { tiktokenEncodingOf } from './encodings.ts';
import { TokenizerFormatError } from './errors.ts';
import { readGgufVocabulary } from './formats/gguf.ts';
import { readLlama2cTokenizer } from './formats/llama2c.ts';
import { readSentencePiece } from './formats/sentencepiece.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { TokenizerSpec } from './tokenizer-json.ts';

/**
 * Loads a tokenizer of any format that stands in one file, which it recognises by content: tokenizer.json (bytes, text,
 * or the parsed object), SentencePiece `.model`, llama2.c's `tokenizer.bin`, one of OpenAI's `.tiktoken` files, the
 * metadata of a GGUF file as an object. For `vocab.json` and `merges.txt` see `readVocabAndMerges`.
 *
 * @throws TokenizerFormatError, UnknownComponentError, PatternError
 */
export function loadTokenizer(source: string | Uint8Array | object): Tokenizer {
  return createTokenizer(readTokenizer(source));
}

function readTokenizer(source: string | Uint8Array | object): TokenizerSpec {
  if (typeof source === 'string') {
    return isJson(source) ? fromObject(parseJson(source)) : fromBytes(new TextEncoder().encode(source));
  }
  return source instanceof Uint8Array ? fromBytes(source) : fromObject(source);
}

const isJson = (text: string) => /^\s*[{[]/.test(text);

function fromBytes(bytes: Uint8Array): TokenizerSpec {
  const beginning = new TextDecoder().decode(bytes.subarray(0, 256));
  if (isJson(beginning)) return fromObject(parseJson(decodeUtf8(bytes)));
  if (beginning.startsWith('GGUF')) {
    throw new TokenizerFormatError(
      'tokenizer',
      'this is a whole GGUF file: pass the object of its metadata instead.',
    );
  }
  if (beginning.startsWith('#version')) {
    throw new TokenizerFormatError(
      'tokenizer',
      'this is a merges.txt: pass it to readVocabAndMerges with its vocab.json.',
    );
  }
  if (/^[A-Za-z0-9+/]+={0,2} \d+\r?\n/.test(beginning)) return tiktokenEncodingOf(bytes);
  // The first field of SentencePiece's ModelProto is a list of pieces: number 1, length-delimited.
  if (bytes[0] === 0x0a) return readSentencePiece(bytes);
  if (bytes.length < 4) throw new TokenizerFormatError('tokenizer', 'the file is empty, or nearly so.');
  // The first field of llama2.c's file is the length of its longest token: a small number in 32 bits, lowest byte first.
  if (bytes[2] === 0 && bytes[3] === 0) return readLlama2cTokenizer(bytes);
  throw new TokenizerFormatError(
    'tokenizer',
    'the file is in none of the formats known: tokenizer.json, SentencePiece .model, .tiktoken, llama2.c tokenizer.bin.',
  );
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw Object.assign(new TokenizerFormatError('tokenizer.json', 'it is not UTF-8.'), { cause });
  }
}

function parseJson(text: string): object {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw Object.assign(new TokenizerFormatError('tokenizer.json', `it is not JSON: ${reason}`), { cause });
  }
}

function fromObject(object: object): TokenizerSpec {
  if ('model' in object) return object as TokenizerSpec;
  if ('tokenizer.ggml.model' in object) return readGgufVocabulary({ ...object });
  throw new TokenizerFormatError(
    'tokenizer',
    'the object has neither a "model", as a tokenizer.json has, nor "tokenizer.ggml.model", as the metadata of a GGUF ' +
      'file has. If it is a vocab.json, pass it to readVocabAndMerges with its merges.txt.',
  );
}
