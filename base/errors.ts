/** Process exit codes of the `nas` command. */
export const exitCodes = {
  done: 0,
  failure: 1,
  'invalid-input': 2,
  infeasible: 3,
  'in-use': 4,
  'inputs-changed': 5,
  interrupted: 130,
} as const;

/** Reason of a failure, for programs. */
export type ErrorCode = Exclude<keyof typeof exitCodes, 'done'>;

export interface ErrorDetails {
  /** A remedy, as a full sentence. */
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

/** The computing device is lost or out of memory; this process cannot use it any more. */
export class DeviceFailure extends NasError {
  constructor(
    readonly kind: 'lost' | 'memory',
    message: string,
    details: ErrorDetails = {},
  ) {
    super('failure', message, details);
  }
}

/** A mistake in the user's input: a file, a value, an argument. */
export const invalidInput = (message: string, details?: ErrorDetails): NasError =>
  new NasError('invalid-input', message, details);

/** The message of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The code of a system's error, such as `ENOENT`; empty for anything else. */
export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** Whether an error says only that something was stopped. */
export const isInterruption = (error: unknown): boolean =>
  error instanceof NasError ? error.code === 'interrupted' : error instanceof Error && error.name === 'AbortError';
