import { CheckpointError } from '../errors.ts';

/** Which rule of the GGUF format, or of the reader's limits, was broken. */
export type GgufRule =
  | 'magic'
  | 'version'
  | 'truncated'
  | 'header limit'
  | 'count'
  | 'string'
  | 'metadata key'
  | 'metadata type'
  | 'metadata value'
  | 'array depth'
  | 'alignment'
  | 'tensor name'
  | 'tensor type'
  | 'shape'
  | 'offset'
  | 'overlap'
  | 'values'
  | 'architecture';

/** A file is not GGUF, lies about its contents, or holds what this package cannot represent. */
export class GgufError extends CheckpointError {
  readonly rule: GgufRule;
  /** The tensor at fault, where it is one. */
  readonly tensor: string | undefined;
  /** The metadata key at fault, where it is one. */
  readonly key: string | undefined;

  constructor(
    rule: GgufRule,
    message: string,
    {
      tensor,
      key,
      cause,
    }: { readonly tensor?: string; readonly key?: string; readonly cause?: unknown } = {},
  ) {
    const place =
      tensor !== undefined
        ? `Tensor ${quote(tensor)}: `
        : key !== undefined
          ? `Metadata ${quote(key)}: `
          : '';
    super(place + message, { cause });
    this.rule = rule;
    this.tensor = tensor;
    this.key = key;
  }
}

function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}
