import { CheckpointError } from '../errors.ts';

/** Which rule of PEFT's layout was broken. */
export type LoraRule = 'file' | 'config' | 'tensor name' | 'pair' | 'rank' | 'shape' | 'base weight';

/** An adapter is not one, has a setting that is not implemented, or does not fit the model. */
export class LoraError extends CheckpointError {
  readonly rule: LoraRule;
  /** The tensor or layer at fault; undefined where the fault is not in one. */
  readonly tensor: string | undefined;

  constructor(rule: LoraRule, message: string, tensor?: string, options?: ErrorOptions) {
    super(tensor === undefined ? message : `${JSON.stringify(tensor)}: ${message}`, options);
    this.rule = rule;
    this.tensor = tensor;
  }
}
