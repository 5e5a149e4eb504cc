import { TokenizerFormatError, UnknownComponentError } from '../errors.ts';
import type { Vocabulary } from '../models/vocabulary.ts';
import type { BpeSpec } from '../tokenizer-json.ts';
import { MergeTable } from './merge-table.ts';

/** The merges of a tokenizer.json as a table of ids. @throws TokenizerFormatError, UnknownComponentError */
export function readMerges(spec: BpeSpec, vocabulary: Vocabulary): MergeTable {
  if (spec.dropout) {
    throw new UnknownComponentError(
      'model',
      'BPE.dropout',
      'it makes encoding random; set it to null to load the file.',
    );
  }
  const merges: readonly unknown[] = spec.merges;
  if (!Array.isArray(merges)) throw new TokenizerFormatError('tokenizer.json', 'model.merges is not a list.');
  const { ids } = vocabulary;
  const prefixLength = spec.continuing_subword_prefix?.length ?? 0;
  const table = new MergeTable(merges.length);
  for (let rank = 0; rank < merges.length; rank++) {
    const merge = merges[rank];
    const [left, right, ...rest]: unknown[] =
      typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
    if (typeof left !== 'string' || typeof right !== 'string' || rest.length > 0) {
      throw new TokenizerFormatError(
        'tokenizer.json',
        `merge ${rank}, ${JSON.stringify(merge)}, is not two tokens.`,
      );
    }
    const result = left + (prefixLength ? right.slice(prefixLength) : right);
    const leftId = ids.get(left);
    const rightId = ids.get(right);
    const resultId = ids.get(result);
    if (leftId === undefined || rightId === undefined || resultId === undefined) {
      const absent = leftId === undefined ? left : rightId === undefined ? right : result;
      throw new TokenizerFormatError(
        'tokenizer.json',
        `merge ${rank}, ${JSON.stringify([left, right])}, needs the token ${JSON.stringify(absent)}, which is not in the vocabulary.`,
      );
    }
    table.set(leftId, rightId, rank, resultId);
  }
  return table;
}
