import { Vocabulary } from '../models/vocabulary.ts';
import { BYTE_TO_CHARACTER, bytesToAlphabet } from '../pipeline/byte-alphabet.ts';
import type { BpeSpec } from '../tokenizer-json.ts';
import type { ByteTokens } from './byte-level-bpe.ts';
import { readMerges } from './read-merges.ts';

/** The tokens of a byte-level BPE model as a tokenizer.json has them. @throws TokenizerFormatError */
export function mergedTokens(spec: BpeSpec): ByteTokens {
  const vocabulary = Vocabulary.fromRecord(spec.vocab);
  const merges = readMerges(spec, vocabulary);
  const unknown = spec.unk_token == null ? undefined : vocabulary.ids.get(spec.unk_token);
  const byteIds = Int32Array.from(
    BYTE_TO_CHARACTER,
    (character) => vocabulary.ids.get(character) ?? unknown ?? -1,
  );
  return {
    merges,
    byteIds,
    size: vocabulary.tokens.length,
    wholeWord: spec.ignore_merges
      ? (bytes, start, end) => vocabulary.ids.get(bytesToAlphabet(bytes.subarray(start, end))) ?? -1
      : () => -1,
    vocabulary: () => vocabulary,
    toJSON: () => ({ ...spec, vocab: vocabulary.toRecord() }),
  };
}
