/** The root of every error that a `@minigpt` package throws on purpose: the message names the rule, what came, and the fix. */
export class MinigptError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A setting is impossible, or two settings contradict each other. */
export class ConfigError extends MinigptError {
  /** The name of the offending setting, as the caller spelt it. */
  readonly setting: string;

  constructor(setting: string, message: string) {
    super(message);
    this.setting = setting;
  }
}

/** A tensor has another shape than the operation takes. */
export class ShapeError extends MinigptError {
  readonly expected: string;
  readonly actual: readonly number[];

  constructor(what: string, expected: string, actual: readonly number[]) {
    super(`${what} must have shape ${expected}, but it is [${actual}].`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** A token id that the vocabulary does not have. */
export class TokenRangeError extends MinigptError {
  readonly id: number;
  readonly vocabSize: number;

  constructor(id: number, vocabSize: number) {
    super(
      `Token ids must lie in 0…${vocabSize - 1}, but ${id} came; encode the text with the tokenizer that this model was trained with.`,
    );
    this.id = id;
    this.vocabSize = vocabSize;
  }
}

/** One tensor whose shape in a state dict is not the model's. */
export interface ShapeMismatch {
  readonly name: string;
  readonly expected: readonly number[];
  readonly actual: readonly number[];
}

/** The names and shapes of a state dict are not those of the model; every difference is listed at once. */
export class StateDictError extends MinigptError {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly mismatched: readonly ShapeMismatch[];

  constructor(difference: {
    readonly missing: readonly string[];
    readonly unexpected: readonly string[];
    readonly mismatched: readonly ShapeMismatch[];
  }) {
    const { missing, unexpected, mismatched } = difference;
    const parts: string[] = [];
    if (missing.length > 0) parts.push(`missing: ${missing.join(', ')}`);
    if (unexpected.length > 0) parts.push(`unexpected: ${unexpected.join(', ')}`);
    if (mismatched.length > 0) {
      const shapes = mismatched.map(
        ({ name, expected, actual }) => `${name} is [${actual}] and should be [${expected}]`,
      );
      parts.push(`misshapen: ${shapes.join(', ')}`);
    }
    super(
      `The tensors do not fit the model, and nothing was loaded (${parts.join('; ')}); use the config that they were saved with.`,
    );
    this.missing = missing;
    this.unexpected = unexpected;
    this.mismatched = mismatched;
  }
}
