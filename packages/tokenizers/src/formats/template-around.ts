import type { PostProcessorSpec, TemplatePiece } from '../tokenizer-json.ts';

/** A post-processor that puts one token before and one behind each text; null where there are neither. */
export function templateAround(
  tokens: readonly string[],
  prefixId: number | undefined,
  suffixId: number | undefined,
  /** Whether the second text of a pair has the token before it too (Llama's) or not (BERT's). */
  { prefixBeforePair = true } = {},
): PostProcessorSpec | null {
  if (prefixId === undefined && suffixId === undefined) return null;
  const special = (id: number | undefined, type_id: number): TemplatePiece[] =>
    id === undefined ? [] : [{ SpecialToken: { id: tokens[id]!, type_id } }];
  const around = (sequence: 'A' | 'B', type_id: number): TemplatePiece[] => [
    ...special(sequence === 'A' || prefixBeforePair ? prefixId : undefined, type_id),
    { Sequence: { id: sequence, type_id } },
    ...special(suffixId, type_id),
  ];
  const named = [prefixId, suffixId]
    .filter((id) => id !== undefined)
    .map((id) => {
      const token = tokens[id]!;
      return [token, { id: token, ids: [id], tokens: [token] }] as const;
    });
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(named),
  };
}
