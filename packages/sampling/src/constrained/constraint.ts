import { ConfigError } from '@minigpt/core';
import { checkNatural } from '../checks.ts';
import type { LogitsProcessor } from '../processors/processor.ts';
import { Automaton, DEAD } from './automaton.ts';
import { NoContinuationError } from './errors.ts';
import { type Expression, text } from './expression.ts';
import { type JsonFormat, jsonTexts } from './json-schema.ts';
import { wholeMatch } from './pattern.ts';
import { type ConstrainableTokenizer, TokenTrie } from './token-trie.ts';

/** How many states' allowed tokens are remembered, a bit for each token: 3 MB for a vocabulary of 50,000. */
const MAX_REMEMBERED_STATES = 512;

const tries = new WeakMap<ConstrainableTokenizer, TokenTrie>();

/** Which texts a model may generate, as an automaton over the tokens of a vocabulary. Make it once, use it for many texts. */
export class Constraint {
  private readonly automaton: Automaton;
  private readonly trie: TokenTrie;
  private readonly endIds: readonly number[];
  private readonly allowedIn = new Map<number, Uint32Array>();
  private readonly words: number;

  private constructor(expression: Expression, tokenizer: ConstrainableTokenizer, endIds: readonly number[]) {
    if (endIds.length === 0) {
      throw new ConfigError(
        'endIds',
        'endIds must have the ids that end a text, as a constraint allows them where the text is whole, but none came.',
      );
    }
    for (const id of endIds) checkNatural('endIds', id);
    this.automaton = new Automaton(expression);
    this.trie = tries.get(tokenizer) ?? new TokenTrie(tokenizer);
    tries.set(tokenizer, this.trie);
    this.endIds = endIds;
    this.words = Math.ceil(Math.max(this.trie.size, ...endIds.map((id) => id + 1)) / 32);
  }

  /**
   * The texts that a regular expression matches from beginning to end: ECMAScript's, with flag `u`, without lookaround,
   * backreferences, word boundaries, Unicode properties, named groups and lazy quantifiers.
   *
   * @param endIds the ids that end a text, as given to `generate`
   * @throws PatternError, ConstraintSizeError; ConfigError where nothing matches or no end id came
   */
  static pattern(pattern: string, tokenizer: ConstrainableTokenizer, endIds: readonly number[]): Constraint {
    return new Constraint(wholeMatch(pattern), tokenizer, endIds);
  }

  /** One of these texts. @throws ConstraintSizeError; ConfigError where there is none or no end id came */
  static choice(
    texts: readonly string[],
    tokenizer: ConstrainableTokenizer,
    endIds: readonly number[],
  ): Constraint {
    return new Constraint({ type: 'choice', options: texts.map(text) }, tokenizer, endIds);
  }

  /**
   * The values that a JSON schema allows, in compact JSON, with properties in the order in which the schema states them.
   *
   * Keywords: type, enum, const, anyOf, properties, required, additionalProperties, items, minItems, maxItems, minLength,
   * maxLength, pattern, and annotations. Stricter than the standard: an object with stated properties has no others unless
   * `additionalProperties` says so, keywords without a type imply theirs, numbers have at most 15 digits before and after the
   * point and exponents two, and a value that the schema leaves open nests three deep at most.
   *
   * @throws JsonSchemaError, PatternError, ConstraintSizeError; ConfigError where no end id came
   */
  static json(
    schema: unknown,
    tokenizer: ConstrainableTokenizer,
    endIds: readonly number[],
    format: JsonFormat = {},
  ): Constraint {
    return new Constraint(jsonTexts(schema, format), tokenizer, endIds);
  }

  /**
   * For `generate`'s option `processors`: rules out every token with which the text after the prompt could not become one
   * that is allowed, and the end ids until it is one. A text that `maxNewTokens` cuts off is the beginning of one.
   *
   * @param promptLength in ids: the text begins after them. The prompts of a batch must share it.
   * @throws ConfigError; the processor throws NoContinuationError, ConstraintSizeError
   */
  after(promptLength: number): LogitsProcessor {
    checkNatural('promptLength', promptLength);
    return (logits, ids) => {
      const state = this.stateAfter(ids, promptLength);
      const allowed = state === DEAD ? undefined : this.allowed(state);
      if (!allowed?.some((word) => word !== 0)) throw this.noContinuation(ids.slice(promptLength));
      return logits.map((logit, id) =>
        ((allowed[id >>> 5] >>> (id & 31)) & 1) === 1 ? logit : Number.NEGATIVE_INFINITY,
      );
    };
  }

  private stateAfter(ids: readonly number[], promptLength: number): number {
    let state = this.automaton.start;
    for (let i = promptLength; i < ids.length; i++) {
      const bytes = this.endIds.includes(ids[i]) ? undefined : this.trie.bytes(ids[i]);
      if (bytes === undefined) return DEAD;
      for (const byte of bytes) {
        state = this.automaton.next(state, byte);
        if (state === DEAD) return DEAD;
      }
    }
    return state;
  }

  /** A bit for each id. */
  private allowed(state: number): Uint32Array {
    const known = this.allowedIn.get(state);
    if (known !== undefined) return known;
    const bits = new Uint32Array(this.words);
    for (const id of this.trie.allowed(this.automaton, state)) bits[id >>> 5] |= 1 << (id & 31);
    const ends = this.automaton.accepts(state);
    for (const id of this.endIds) {
      if (ends) bits[id >>> 5] |= 1 << (id & 31);
      else bits[id >>> 5] &= ~(1 << (id & 31));
    }
    if (this.allowedIn.size >= MAX_REMEMBERED_STATES) {
      const [oldest] = this.allowedIn.keys();
      this.allowedIn.delete(oldest);
    }
    this.allowedIn.set(state, bits);
    return bits;
  }

  private noContinuation(ids: readonly number[]): NoContinuationError {
    const bytes = ids.flatMap((id) => [...(this.trie.bytes(id) ?? [])]);
    return new NoContinuationError(ids, new TextDecoder().decode(Uint8Array.from(bytes)));
  }
}
