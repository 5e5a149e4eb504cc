import { Context, type LanguageModel } from '@minigpt/core';
import { tensor2d, tidy } from '@tensorflow/tfjs-core';
import { distance } from 'fastest-levenshtein';
import { UnknownPathError } from './errors.ts';

/**
 * The paths of a model's activations, in the order in which a pass makes them: those of its modules, which are the names that
 * parameters there begin with, and what modules show of their insides, such as `transformer.h.0.attn.z`. The path of the
 * model itself, and thus of its logits, is `''`.
 *
 * @param patterns only those that one of these matches; see {@link tap}
 * @throws UnknownPathError if a pattern matches none
 */
export function activationPaths(model: LanguageModel, patterns: string | readonly string[] = '**'): string[] {
  const all = new Set<string>();
  const listening = Context.evaluation({
    tap: (path) => {
      all.add(path);
      return undefined;
    },
  });
  tidy(() => void model.call(tensor2d([0], [1, 1], 'int32'), listening));
  const paths = [...all];
  const wanted = toArray(patterns);
  for (const pattern of wanted) {
    if (!paths.some((path) => matcher([pattern]).test(path)))
      throw new UnknownPathError(pattern, nearest(pattern, paths));
  }
  return paths.filter((path) => matcher(wanted).test(path));
}

export function toArray(patterns: string | readonly string[]): readonly string[] {
  return typeof patterns === 'string' ? [patterns] : patterns;
}

/** `*` stands for one part of a path, `**` for any number of them. */
export function matcher(patterns: readonly string[]): RegExp {
  const sources = patterns.map((pattern) =>
    pattern
      .split('.')
      .map((part, i) => {
        const dot = i === 0 ? '' : '\\.';
        if (part === '**') return i === 0 ? '.*' : `(?:${dot}.+)?`;
        return dot + part.replace(/[^*]/g, escapeRegExp).replaceAll('*', '[^.]+');
      })
      .join(''),
  );
  return new RegExp(`^(?:${sources.join('|')})$`);
}

function escapeRegExp(character: string): string {
  return /[\w\s]/.test(character) ? character : `\\${character}`;
}

/** The three paths that are most like the pattern; layers are gathered, and their numbers do not count. */
function nearest(pattern: string, paths: readonly string[]): string[] {
  const gathered = new Map<string, number[][]>();
  const withoutNumbers = (path: string) => path.replace(/\d+/g, '*');
  for (const path of paths) {
    const numbers = (path.match(/\d+/g) ?? []).map(Number);
    gathered.set(withoutNumbers(path), [...(gathered.get(withoutNumbers(path)) ?? []), numbers]);
  }
  const wanted = withoutNumbers(pattern);
  return [...gathered]
    .sort(([one], [other]) => distance(one, wanted) - distance(other, wanted))
    .slice(0, 3)
    .map(([path, numbers]) => {
      let i = 0;
      return path.replace(/\*/g, () => {
        const range = numbers.map((of) => of[i]);
        i++;
        const [low, high] = [Math.min(...range), Math.max(...range)];
        return low === high ? String(low) : `${low}–${high}`;
      });
    });
}
