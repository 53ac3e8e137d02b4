import { NasError, exitCodes, messageOf, type ErrorCode } from '../../../base/errors.js';
import { JobFailed } from './job-runner.js';
import type { Job, JobEvent, ResultOf } from './jobs.js';

/** What the coordinator sends to a worker process. */
export type ToWorker =
  | { readonly type: 'run'; readonly job: Job }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'stop' };

/** What a worker process sends back. */
export type FromWorker =
  /** The job takes its steps; sent at most once a second. */
  | { readonly type: 'alive' }
  | { readonly type: 'event'; readonly event: JobEvent }
  | { readonly type: 'paused' }
  | { readonly type: 'done'; readonly result: ResultOf<Job> }
  | { readonly type: 'error'; readonly error: PlainError };

/** An error as plain data: what survives the way between processes. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** System errors that no trial can be blamed for: the disk is full, or may not be written. */
const storageErrors = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM']);

export function toPlainError(error: unknown): PlainError {
  if (error instanceof NasError)
    return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  if (error instanceof Error && 'code' in error && storageErrors.has(String(error.code)))
    return {
      code: 'invalid-input',
      message: error.message,
      hint: 'Free some space or choose another folder with --workdir.',
    };
  const detail = error instanceof Error && process.env['NAS_DEBUG'] !== undefined ? error.stack : undefined;
  return { code: 'failure', message: detail ?? messageOf(error) };
}

export function fromPlainError({ code, message, hint }: PlainError): NasError {
  const details = hint === undefined ? {} : { hint };
  return code in exitCodes && code !== 'failure'
    ? new NasError(code, message, details)
    : new JobFailed(message, details);
}
