/** Process exit codes of the `nas` command; one for each way a command can end. */
export const exitCodes = {
  done: 0,
  failure: 1,
  'invalid-input': 2,
  infeasible: 3,
  'in-use': 4,
  interrupted: 130,
} as const;

/** Why something failed, as programs need it. */
export type ErrorCode = Exclude<keyof typeof exitCodes, 'done'>;

export interface ErrorDetails {
  /** What the user can do about it, as a full sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** An error that the user can act on: what happened, where, with which value, and what to do. */
export class NasError extends Error {
  override readonly name = 'NasError';
  readonly hint: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.hint = details.hint;
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}

/** The device that computes is lost, or its memory is not enough: no more is to be expected of it in this process. */
export class DeviceFailure extends NasError {
  constructor(
    readonly kind: 'lost' | 'memory',
    message: string,
    details: ErrorDetails = {},
  ) {
    super('failure', message, details);
  }
}

/** A mistake in what the user gave us: a file, a value, an argument. */
export const invalidInput = (message: string, details?: ErrorDetails): NasError =>
  new NasError('invalid-input', message, details);

/** The text of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
