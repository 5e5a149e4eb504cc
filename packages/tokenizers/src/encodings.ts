import { createTokenizer } from './create-tokenizer.ts';
import { EncodingDataError, TokenizerFormatError } from './errors.ts';
import type { NamedSplitPattern } from './formats/split-patterns.ts';
import { readTiktoken } from './formats/tiktoken.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { TokenizerSpec } from './tokenizer-json.ts';

/** OpenAI's encodings, as tiktoken's `openai_public.py` defines them. */
interface EncodingDefinition {
  /** The file of ranks, without `.tiktoken`. */
  readonly file: string;
  readonly sha256: string;
  readonly tokens: number;
  readonly pattern: NamedSplitPattern;
  readonly specialTokens: Readonly<Record<string, number>>;
}

const R50K: EncodingDefinition = {
  file: 'r50k_base',
  sha256: '306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930',
  tokens: 50256,
  pattern: 'gpt2',
  specialTokens: { '<|endoftext|>': 50256 },
};

const ENCODINGS = {
  gpt2: R50K,
  r50k_base: R50K,
  p50k_base: {
    file: 'p50k_base',
    sha256: '94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069',
    tokens: 50280,
    pattern: 'gpt2',
    specialTokens: { '<|endoftext|>': 50256 },
  },
  cl100k_base: {
    file: 'cl100k_base',
    sha256: '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
    tokens: 100256,
    pattern: 'gpt4',
    specialTokens: {
      '<|endoftext|>': 100257,
      '<|fim_prefix|>': 100258,
      '<|fim_middle|>': 100259,
      '<|fim_suffix|>': 100260,
      '<|endofprompt|>': 100276,
    },
  },
  o200k_base: {
    file: 'o200k_base',
    sha256: '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
    tokens: 199998,
    pattern: 'o200k',
    specialTokens: { '<|endoftext|>': 199999, '<|endofprompt|>': 200018 },
  },
} as const satisfies Record<string, EncodingDefinition>;

/** `gpt2` and `r50k_base` are the same. */
export type EncodingName = keyof typeof ENCODINGS;

export const ENCODING_NAMES = Object.keys(ENCODINGS) as readonly EncodingName[];

/** The name of the file that holds an encoding's ranks. */
export function encodingFile(name: EncodingName): string {
  return `${ENCODINGS[name].file}.tiktoken`;
}

/**
 * One of OpenAI's encodings, out of the contents of its `.tiktoken` file, which is checked against tiktoken's sha256.
 *
 * @throws EncodingDataError where the file is another one
 */
export async function createEncoding(name: EncodingName, file: Uint8Array): Promise<Tokenizer> {
  const definition = ENCODINGS[name];
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(file)));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (sha256 !== definition.sha256) {
    throw new EncodingDataError(
      `The file for ${name} is not tiktoken's ${definition.file}.tiktoken: its sha256 is ${sha256}, not ${definition.sha256}.`,
    );
  }
  return createTokenizer(readTiktoken(file, definition));
}

/** One of OpenAI's files, told by its number of tokens. @throws TokenizerFormatError */
export function tiktokenEncodingOf(file: Uint8Array): TokenizerSpec {
  let lines = 0;
  for (let at = file.indexOf(10); at >= 0; at = file.indexOf(10, at + 1)) lines++;
  if (file.length > 0 && file.at(-1) !== 10) lines++;
  const definition = Object.values(ENCODINGS).find(({ tokens }) => tokens === lines);
  if (!definition) {
    throw new TokenizerFormatError(
      '.tiktoken file',
      `it has ${lines} tokens, which is none of OpenAI's; pass it to readTiktoken with its split pattern.`,
    );
  }
  return readTiktoken(file, definition);
}
