import { DisallowedSpecialTokenError, TokenizerFormatError } from '../errors.ts';
import { checkId } from '../models/vocabulary.ts';
import type { SpecialTokenPolicy } from '../tokenizer.ts';
import type { AddedToken } from '../tokenizer-json.ts';
import { AlignedText } from './aligned-text.ts';
import type { Normalizer } from './normalizer.ts';
import { WHITE_SPACE, WORD_CHARACTER } from './unicode.ts';

/** An added token found in a text. */
interface Found {
  readonly token: AddedToken;
  readonly start: number;
  readonly end: number;
}

/** Finds added tokens from left to right, at each place the longest. */
export type FindAdded = (text: string) => Iterable<Found>;

/** What a policy comes to: what to look for in the text as given, and in the normalized text. */
export interface AddedTokenSearch {
  readonly raw: FindAdded | undefined;
  readonly normalized: FindAdded | undefined;
}

const DEFAULT_POLICY: SpecialTokenPolicy = {};

/** The tokens that are found in a text before the model sees it. */
export class AddedTokens {
  readonly byContent = new Map<string, AddedToken>();
  readonly byId = new Map<number, AddedToken>();
  readonly special = new Map<string, number>();
  readonly #normalize: (content: string) => string;
  #default: AddedTokenSearch | undefined;
  #everything: AddedTokenSearch | undefined;

  /** @throws TokenizerFormatError */
  constructor(
    readonly list: readonly AddedToken[],
    normalizer: Normalizer | undefined,
  ) {
    if (!Array.isArray(list)) throw new TokenizerFormatError('tokenizer.json', 'added_tokens is not a list.');
    for (const token of list) {
      if (typeof token?.content !== 'string') {
        throw new TokenizerFormatError('tokenizer.json', 'an added token has no content.');
      }
      checkId(token.id, token.content);
      const same = this.byId.get(token.id);
      if (same && same.content !== token.content) {
        throw new TokenizerFormatError(
          'tokenizer.json',
          `the added tokens ${JSON.stringify(same.content)} and ${JSON.stringify(token.content)} have the same id ${token.id}.`,
        );
      }
      this.byContent.set(token.content, token);
      this.byId.set(token.id, token);
      if (token.special) this.special.set(token.content, token.id);
    }
    this.#normalize = (content) => (normalizer ? normalizer(AlignedText.untracked(content)).text : content);
  }

  /** What to look for under a policy. The search throws {@link DisallowedSpecialTokenError}. */
  search(policy: SpecialTokenPolicy = DEFAULT_POLICY): AddedTokenSearch {
    const { allowedSpecial = [], disallowedSpecial = 'all' } = policy;
    if (policy.allowedSpecial === 'all') {
      this.#everything ??= this.#build(() => 'allowed');
      return this.#everything;
    }
    const allowed = new Set(allowedSpecial);
    if (allowed.size === 0 && disallowedSpecial === 'all') {
      this.#default ??= this.#build((token) => (token.special ? 'disallowed' : 'allowed'));
      return this.#default;
    }
    const disallowed = disallowedSpecial === 'all' ? undefined : new Set(disallowedSpecial);
    return this.#build((token) => {
      if (!token.special || allowed.has(token.content)) return 'allowed';
      return !disallowed || disallowed.has(token.content) ? 'disallowed' : 'ordinary';
    });
  }

  #build(classify: (token: AddedToken) => 'allowed' | 'disallowed' | 'ordinary'): AddedTokenSearch {
    const disallowed = new Set<AddedToken>();
    const raw = new Map<string, AddedToken>();
    const normalized = new Map<string, AddedToken>();
    for (const token of this.byContent.values()) {
      const kind = classify(token);
      if (kind === 'ordinary') continue;
      if (kind === 'disallowed') disallowed.add(token);
      if (token.normalized ?? !token.special) normalized.set(this.#normalize(token.content), token);
      else raw.set(token.content, token);
    }
    return { raw: finder(raw, disallowed), normalized: finder(normalized, disallowed) };
  }
}

const ENDS_WITH_WORD = new RegExp(`[${WORD_CHARACTER}]$`, 'v');
const STARTS_WITH_WORD = new RegExp(`^[${WORD_CHARACTER}]`, 'v');
const IS_SPACE = new RegExp(`[${WHITE_SPACE}]`, 'v');

function finder(
  tokens: ReadonlyMap<string, AddedToken>,
  disallowed: ReadonlySet<AddedToken>,
): FindAdded | undefined {
  const spellings = [...tokens.keys()]
    .filter((spelling) => spelling !== '')
    .sort((a, b) => b.length - a.length);
  if (spellings.length === 0) return undefined;
  const escaped = spellings.map((spelling) => spelling.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  const expression = new RegExp(escaped.join('|'), 'g');

  return function* (text) {
    let from = 0;
    for (const match of text.matchAll(expression)) {
      const token = tokens.get(match[0])!;
      let start = match.index;
      let end = start + match[0].length;
      if (disallowed.has(token)) throw new DisallowedSpecialTokenError(token.content, start);
      if (token.single_word && touchesWord(text, start, end)) continue;
      if (token.lstrip) while (start > from && IS_SPACE.test(text[start - 1]!)) start--;
      if (token.rstrip) while (end < text.length && IS_SPACE.test(text[end]!)) end++;
      if (start < from) start = from;
      yield { token, start, end };
      from = end;
    }
  };
}

function touchesWord(text: string, start: number, end: number): boolean {
  return (
    ENDS_WITH_WORD.test(text.slice(Math.max(0, start - 2), start)) ||
    STARTS_WITH_WORD.test(text.slice(end, end + 2))
  );
}
