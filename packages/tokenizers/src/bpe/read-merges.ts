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
  const merges: unknown = spec.merges;
  if (!Array.isArray(merges)) throw new TokenizerFormatError('tokenizer.json', 'model.merges is not a list.');
  const { ids } = vocabulary;
  const prefixLength = spec.continuing_subword_prefix?.length ?? 0;
  const table = new MergeTable(merges.length);
  for (let rank = 0; rank < merges.length; rank++) {
    const merge = merges[rank];
    const blank = typeof merge === 'string' ? merge.indexOf(' ') : -1;
    const isOneBlank = blank >= 0 && !merge.includes(' ', blank + 1);
    const left: unknown = isOneBlank ? merge.slice(0, blank) : Array.isArray(merge) ? merge[0] : undefined;
    const right: unknown = isOneBlank ? merge.slice(blank + 1) : Array.isArray(merge) ? merge[1] : undefined;
    if (typeof left !== 'string' || typeof right !== 'string' || (!isOneBlank && merge.length !== 2)) {
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
