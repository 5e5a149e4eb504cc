import { TokenizerFormatError } from '../errors.ts';
import type { TokenizerJson } from '../tokenizer-json.ts';
import { BYTE_LEVEL, byteLevelPreTokenizer } from './byte-level.ts';
import type { NamedSplitPattern } from './split-patterns.ts';

const FORMAT = 'vocab.json and merges.txt';

export interface VocabMergesOptions {
  /** The split pattern: named, or an expression in the syntax of tokenizer.json. Default `gpt2`. */
  readonly pattern?: NamedSplitPattern | (string & {});
  /** Tokens of the vocabulary that are special. Default: `<|endoftext|>`, where it is in the vocabulary. */
  readonly specialTokens?: readonly string[];
}

/**
 * Reads the two files of GPT-2 and its relatives: `vocab.json`, an object of tokens and ids in GPT-2's byte alphabet,
 * and `merges.txt`, a pair a line, after an optional `#version` line.
 * @throws TokenizerFormatError
 */
export function readVocabAndMerges(
  vocabJson: string,
  mergesText: string,
  { pattern = 'gpt2', specialTokens }: VocabMergesOptions = {},
): TokenizerJson {
  const vocab = parseVocab(vocabJson);
  const special = specialTokens ?? (Object.hasOwn(vocab, '<|endoftext|>') ? ['<|endoftext|>'] : []);
  return {
    version: '1.0',
    added_tokens: special.map((content) => {
      if (!Object.hasOwn(vocab, content)) {
        throw new TokenizerFormatError(
          FORMAT,
          `the vocabulary lacks the special token ${JSON.stringify(content)}.`,
        );
      }
      return {
        id: vocab[content]!,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      };
    }),
    normalizer: null,
    pre_tokenizer: byteLevelPreTokenizer(pattern),
    post_processor: null,
    decoder: BYTE_LEVEL,
    model: { type: 'BPE', vocab, merges: parseMerges(mergesText) },
  };
}

function parseVocab(text: string): Record<string, number> {
  let vocab: unknown;
  try {
    vocab = JSON.parse(text);
  } catch (cause) {
    throw Object.assign(new TokenizerFormatError(FORMAT, 'vocab.json is not JSON.'), { cause });
  }
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) {
    throw new TokenizerFormatError(FORMAT, 'vocab.json must be an object of tokens and ids.');
  }
  for (const [token, id] of Object.entries(vocab)) {
    if (!Number.isSafeInteger(id) || id < 0) {
      throw new TokenizerFormatError(FORMAT, `the id of ${JSON.stringify(token)} is ${JSON.stringify(id)}.`);
    }
  }
  return vocab as Record<string, number>;
}

function parseMerges(text: string): (readonly [string, string])[] {
  const merges: (readonly [string, string])[] = [];
  const lines = text.split('\n');
  lines.forEach((line, index) => {
    const pair = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (pair === '' || (index === 0 && pair.startsWith('#version'))) return;
    const space = pair.indexOf(' ');
    if (space < 1 || space === pair.length - 1 || pair.includes(' ', space + 1)) {
      throw new TokenizerFormatError(
        FORMAT,
        `line ${index + 1} of merges.txt is not two tokens and a space.`,
      );
    }
    merges.push([pair.slice(0, space), pair.slice(space + 1)]);
  });
  return merges;
}
