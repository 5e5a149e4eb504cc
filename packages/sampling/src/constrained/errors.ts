import { MinigptError } from '@minigpt/core';

/** A regular expression has a part that is malformed or that no automaton of this package stands for. */
export class PatternError extends MinigptError {
  readonly pattern: string;
  /** Where in the pattern, in code points. */
  readonly index: number;
  /** The name of what stands there. */
  readonly feature: string;

  constructor(pattern: string, index: number, feature: string) {
    super(
      `A pattern consists of literals, escapes, classes, groups, alternatives and greedy quantifiers, but ${JSON.stringify(pattern)} has ${feature} at ${index}; write it without.`,
    );
    this.pattern = pattern;
    this.index = index;
    this.feature = feature;
  }
}

/** A JSON schema has a keyword, or a keyword a value, that is not understood. */
export class JsonSchemaError extends MinigptError {
  /** Where in the schema: `#/properties/name/minLength`. */
  readonly path: string;

  constructor(path: string, rule: string) {
    super(`${rule}, but the schema differs at ${path}; change it there.`);
    this.path = path;
  }
}

/** An automaton grows beyond a limit. */
export class ConstraintSizeError extends MinigptError {
  /** In states. */
  readonly limit: number;

  constructor(kind: string, limit: number) {
    super(
      `The ${kind} automaton of a constraint has at most ${limit} states, but this one needs more; repeat less, or less long.`,
    );
    this.limit = limit;
  }
}

/** No token of the vocabulary continues the text as its constraint demands. */
export class NoContinuationError extends MinigptError {
  /** What was generated so far, the prompt left out. */
  readonly ids: readonly number[];

  constructor(ids: readonly number[], text: string) {
    super(
      `A constrained text is continued by tokens that its constraint allows, but after ${JSON.stringify(text)} there is none; allow what the vocabulary can spell, and let nothing else choose its tokens.`,
    );
    this.ids = ids;
  }
}
