import { CheckpointError } from '../errors.ts';

/** Why a hub did not give what was asked for. */
export type HubFault =
  | 'not found'
  | 'access'
  | 'network'
  | 'offline'
  | 'interrupted'
  | 'checksum'
  | 'rate limit'
  | 'disk'
  | 'answer';

/** A model could not be had from a hub. What was downloaded so far is kept, and the next attempt goes on there. */
export class HubError extends CheckpointError {
  /** `org/name` */
  readonly repository: string;
  readonly fault: HubFault;
  /** What the server answered, where it did. */
  readonly status: number | undefined;

  constructor(
    repository: string,
    fault: HubFault,
    message: string,
    { status, cause }: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.repository = repository;
    this.fault = fault;
    this.status = status;
  }
}
