import {
  codeOf,
  DeviceFailure,
  exitCodes,
  isInterruption,
  messageOf,
  NasError,
  type ErrorCode,
} from '../../base/errors.js';
import { JobFailed, StorageFailure, WorkerDied } from './job-runner.js';
import type { Job, JobEvent, ResultOf } from './jobs.js';

export type ToWorker =
  /** `memoryBytes`: resident memory above which the process sends `memory`. */
  | { readonly type: 'run'; readonly job: Job; readonly memoryBytes: number | null }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'stop' };

/** What a worker process sends back. */
export type FromWorker =
  /** The job makes steps; sent at most once a second. */
  | { readonly type: 'alive' }
  /** The process holds more resident memory than the job may. */
  | { readonly type: 'memory'; readonly bytes: number }
  | { readonly type: 'event'; readonly event: JobEvent }
  | { readonly type: 'paused' }
  | { readonly type: 'done'; readonly result: ResultOf<Job> }
  | { readonly type: 'error'; readonly error: PlainError };

/** An error as plain data, to cross from process to process. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  /** The device failed: the process cannot be used again. */
  readonly device?: true;
  /** Files cannot be written where the job ran. */
  readonly storage?: true;
}

/** System errors of a full disk, or of a read-only file system. */
const full = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);
/** System errors of storage, which are no trial's own. */
const storageErrors = new Set([...full, 'EACCES', 'EPERM']);

/** Whether a NasError comes from a full disk. A file that may not be read does not count. */
const isOfStorage = (error: NasError): boolean => error instanceof StorageFailure || full.has(codeOf(error.cause));

export function toPlainError(error: unknown): PlainError {
  if (error instanceof NasError) {
    const { code, message, hint } = error;
    const device = error instanceof DeviceFailure;
    const storage = isOfStorage(error);
    return {
      code,
      message,
      ...(hint !== undefined && { hint }),
      ...(device && { device }),
      ...(storage && { storage }),
    };
  }
  if (error instanceof Error && storageErrors.has(codeOf(error)))
    return {
      code: 'invalid-input',
      message: error.message,
      hint: 'Free some space or choose another folder with --workdir.',
      storage: true,
    };
  if (isInterruption(error)) return { code: 'interrupted', message: messageOf(error) };
  const detail = error instanceof Error && process.env['NAS_DEBUG'] !== undefined ? error.stack : undefined;
  return { code: 'failure', message: detail ?? messageOf(error) };
}

export function fromPlainError({ code, message, hint, device, storage }: PlainError): NasError {
  const details = hint === undefined ? {} : { hint };
  // The message of a failed trial or attempt includes the hint.
  if (device === true) return new WorkerDied(hint === undefined ? message : `${message} (${hint})`);
  if (storage === true) return new StorageFailure(message, details);
  return code in exitCodes && code !== 'failure'
    ? new NasError(code, message, details)
    : new JobFailed(message, details);
}
