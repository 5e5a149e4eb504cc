import { MinigptError } from '@minigpt/core';

/** There is nothing to continue, or too little for the model to answer. */
export class PromptError extends MinigptError {
  /** How many tokens came. */
  readonly length: number;

  constructor(length: number, message: string) {
    super(message);
    this.length = length;
  }
}

/** A row of logits is no distribution: it holds NaN or +∞, or every token is ruled out. */
export class LogitsError extends MinigptError {
  /** The first id at fault; undefined where every token is ruled out. */
  readonly id: number | undefined;

  constructor(id: number | undefined, value?: number) {
    super(
      id === undefined
        ? 'A token can be drawn only if one has a logit above -Infinity, but every token is ruled out; loosen the processors.'
        : `Logits must be numbers or -Infinity, but that of token ${id} is ${value}; the model has diverged or its weights are damaged.`,
    );
    this.id = id;
  }
}

/** A KV cache of fixed capacity is full. */
export class CacheCapacityError extends MinigptError {
  /** In columns. */
  readonly capacity: number;
  readonly needed: number;

  constructor(capacity: number, needed: number) {
    super(
      `A KV cache holds as many tokens as its capacity, but ${needed} are needed and the capacity is ${capacity}; make it larger, or use one that slides.`,
    );
    this.capacity = capacity;
    this.needed = needed;
  }
}

/** A KV cache cannot go back to that length. */
export class CacheTrimError extends MinigptError {
  /** The length asked for. */
  readonly target: number;
  /** The length it has. */
  readonly length: number;

  constructor(target: number, length: number) {
    super(
      `A KV cache can be trimmed to a length at which it still holds all that a token may see, but ${target} was asked of one of length ${length}; dispose it and read the text again.`,
    );
    this.target = target;
    this.length = length;
  }
}
