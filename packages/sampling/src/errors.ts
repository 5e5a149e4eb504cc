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
