import { checkCount, type LogitsProcessor } from './processor.ts';

/**
 * Rules out every token that would repeat `size` tokens in a row that the text so far contains (Paulus, Xiong, Socher 2018,
 * "A deep reinforced model for abstractive summarization").
 *
 * @throws ConfigError
 */
export function noRepeatNgram(size: number): LogitsProcessor {
  checkCount('noRepeatNgramSize', size);
  return (logits, ids) => {
    const row = logits.slice();
    const prefix = ids.length - (size - 1); // where the size - 1 newest ids begin
    for (let start = 0; start < prefix; start++) {
      let same = 0;
      while (same < size - 1 && ids[start + same] === ids[prefix + same]) same++;
      if (same === size - 1) row[ids[start + same]] = Number.NEGATIVE_INFINITY;
    }
    return row;
  };
}
