import { CheckpointError } from '../errors.ts';

/** Which rule of llama2.c's format was broken. */
export type Llama2cRule = 'header' | 'version' | 'sizes' | 'length' | 'group size' | 'config';

/** A file is not llama2.c's, lies about its contents, or a model has what the format cannot hold. */
export class Llama2cError extends CheckpointError {
  readonly rule: Llama2cRule;

  constructor(rule: Llama2cRule, message: string) {
    super(message);
    this.rule = rule;
  }
}
