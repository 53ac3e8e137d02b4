import { DeviceFailure, NasError, exitCodes, messageOf, type ErrorCode } from '../../../base/errors.js';
import { JobFailed, WorkerDied } from './job-runner.js';
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
  /** The device failed: the process is of no use any more. */
  readonly device?: true;
}

/** System errors that no trial can be blamed for: the disk is full, or may not be written. */
const storageErrors = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM']);

export function toPlainError(error: unknown): PlainError {
  if (error instanceof NasError) {
    const { code, message, hint } = error;
    const device = error instanceof DeviceFailure;
    return { code, message, ...(hint !== undefined && { hint }), ...(device && { device }) };
  }
  if (error instanceof Error && 'code' in error && storageErrors.has(String(error.code)))
    return {
      code: 'invalid-input',
      message: error.message,
      hint: 'Free some space or choose another folder with --workdir.',
    };
  const detail = error instanceof Error && process.env['NAS_DEBUG'] !== undefined ? error.stack : undefined;
  return { code: 'failure', message: detail ?? messageOf(error) };
}

export function fromPlainError({ code, message, hint, device }: PlainError): NasError {
  const details = hint === undefined ? {} : { hint };
  // The hint is part of what is kept of a failed trial, and told of an attempt.
  if (device === true) return new WorkerDied(hint === undefined ? message : `${message} (${hint})`);
  return code in exitCodes && code !== 'failure'
    ? new NasError(code, message, details)
    : new JobFailed(message, details);
}
