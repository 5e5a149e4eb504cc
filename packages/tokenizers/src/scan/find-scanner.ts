import { SPLIT_PATTERNS } from '../formats/split-patterns.ts';
import type { PreTokenizerSpec } from '../tokenizer-json.ts';
import type { Scanner } from './scanner.ts';
import { gpt2Scanner, gpt4Scanner, o200kScanner } from './scanners.ts';

/** Spellings of the patterns that we have a scanner for, each with what makes it. */
const SCANNERS: ReadonlyMap<string, () => Scanner> = new Map([
  [SPLIT_PATTERNS.gpt2, () => gpt2Scanner(false)],
  [SPLIT_PATTERNS.gpt4, () => gpt4Scanner(3)],
  [SPLIT_PATTERNS.gpt4.replace('{1,3}', ''), () => gpt4Scanner(1)],
  [SPLIT_PATTERNS.o200k, () => o200kScanner()],
]);

/** The scanner that does what a pre-tokenizer ending in `ByteLevel` does, where we have one. */
export function findScanner(spec: PreTokenizerSpec | null | undefined): Scanner | undefined {
  const steps = flatten(spec);
  const last = steps.pop();
  if (last?.type !== 'ByteLevel' || (last.add_prefix_space ?? true)) return undefined;
  const usesRegex = last.use_regex ?? true;
  const [first, ...rest] = steps;
  if (rest.length > 0) return undefined;
  if (!first) return usesRegex ? gpt2Scanner(false) : undefined;
  if (first.type === 'Digits') return usesRegex && first.individual_digits ? gpt2Scanner(true) : undefined;
  if (first.type !== 'Split' || usesRegex || first.behavior !== 'Isolated' || first.invert) return undefined;
  return 'Regex' in first.pattern ? SCANNERS.get(first.pattern.Regex)?.() : undefined;
}

function flatten(spec: PreTokenizerSpec | null | undefined): PreTokenizerSpec[] {
  if (!spec) return [];
  return spec.type === 'Sequence' ? spec.pretokenizers.flatMap(flatten) : [spec];
}
