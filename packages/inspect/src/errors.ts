import { MinigptError } from '@minigpt/core';

/** A pattern that no activation of the model matches. */
export class UnknownPathError extends MinigptError {
  readonly pattern: string;
  /** The nearest paths there are; numbers that differ only are gathered: `model.layers.0–11.mlp`. */
  readonly near: readonly string[];

  constructor(pattern: string, near: readonly string[]) {
    super(
      `A pattern must match the path of an activation, but '${pattern}' matches none; near it are ${near.map((path) => `'${path}'`).join(', ')}. activationPaths(model) lists all.`,
    );
    this.pattern = pattern;
    this.near = near;
  }
}

/** What was asked needs attention and a residual stream, which this model lacks. */
export class NotATransformerError extends MinigptError {
  /** The class of the model. */
  readonly model: string;

  constructor(what: string, model: string) {
    super(
      `${what} needs a Transformer, but ${model} has no attention; tap, patch and tokenLosses take any model.`,
    );
    this.model = model;
  }
}

/** Prompts, positions or tokens with which the question cannot be answered. */
export class InspectionError extends MinigptError {}
