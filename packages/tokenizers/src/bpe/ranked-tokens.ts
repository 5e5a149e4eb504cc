import { TokenizerFormatError } from '../errors.ts';
import { Vocabulary } from '../models/vocabulary.ts';
import { bytesToAlphabet } from '../pipeline/byte-alphabet.ts';
import type { BpeSpec, RankedBpeSpec } from '../tokenizer-json.ts';
import type { ByteTokens } from './byte-level-bpe.ts';
import { ByteVocabulary } from './byte-vocabulary.ts';

/** The tokens of a byte-level BPE model given by ranks. @throws TokenizerFormatError */
export function rankedTokens(spec: RankedBpeSpec): ByteTokens {
  const tokens = new ByteVocabulary(spec);
  const single = new Uint8Array(1);
  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => {
    single[0] = byte;
    return tokens.find(single, 0, 1);
  });
  const missing = byteIds.indexOf(-1);
  if (missing >= 0) {
    throw new TokenizerFormatError(
      'list of ranked tokens',
      `the byte 0x${missing.toString(16)} has no token.`,
    );
  }
  const vocabulary = () =>
    Vocabulary.of(
      Array.from({ length: tokens.count }, (_, index): [string, number] => [
        bytesToAlphabet(tokens.bytesAt(index)),
        tokens.idAt(index),
      ]),
    );
  return {
    merges: tokens,
    byteIds,
    size: tokens.size,
    wholeWord: (bytes, start, end) => tokens.find(bytes, start, end),
    vocabulary,
    toJSON: () => rankedToMerges(tokens, vocabulary()),
  };
}

/** Ranks as merges: every way to make a token out of two others, in order of the token's rank. */
function rankedToMerges(tokens: ByteVocabulary, vocabulary: Vocabulary): BpeSpec {
  const merges: [string, string][] = [];
  for (let index = 0; index < tokens.count; index++) {
    const bytes = tokens.bytesAt(index);
    const pairs: [left: number, right: number][] = [];
    for (let cut = 1; cut < bytes.length; cut++) {
      const left = tokens.find(bytes, 0, cut);
      const right = tokens.find(bytes, cut, bytes.length);
      if (left >= 0 && right >= 0) pairs.push([left, right]);
    }
    pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (const [left, right] of pairs) merges.push([vocabulary.tokens[left]!, vocabulary.tokens[right]!]);
  }
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: true,
    vocab: vocabulary.toRecord(),
    merges,
  };
}
