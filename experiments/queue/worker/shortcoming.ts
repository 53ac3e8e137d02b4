import { WorkerDied } from '../../runner/jobs/job-runner.js';
import { toPlainError, type PlainError } from '../../runner/jobs/messages.js';
import { ArtifactGone } from '../artifacts/failures.js';
import { FilesUnreachable } from './transfers.js';

/** Why a job gave no result, as far as it matters for what becomes of the job. */
export type Shortcoming =
  | { readonly kind: 'interrupted'; readonly error: PlainError }
  /** Its files cannot be had; later they may. */
  | { readonly kind: 'without-files'; readonly message: string }
  /** This machine's disk takes no more. `text` has the hint, too. */
  | { readonly kind: 'full'; readonly message: string; readonly text: string }
  /** Not the job's fault, or perhaps not: another attempt may do well. */
  | { readonly kind: 'died'; readonly error: PlainError }
  | { readonly kind: 'failed'; readonly error: PlainError };

/** A message with the hint, which is part of what helps. */
export const textOf = ({ message, hint }: Pick<PlainError, 'message' | 'hint'>): string =>
  hint === undefined ? message : `${message} (${hint})`;

/** @param mayWait whether the job may be put off for files that nobody has */
export function shortcomingOf(thrown: unknown, mayWait: boolean): Shortcoming {
  const error = toPlainError(thrown);
  const { code, message, hint, storage } = error;
  if (code === 'interrupted') return { kind: 'interrupted', error };
  if (thrown instanceof FilesUnreachable || (thrown instanceof ArtifactGone && mayWait))
    return { kind: 'without-files', message: textOf(error) };
  if (storage === true) return { kind: 'full', message, text: textOf(error) };
  if (thrown instanceof WorkerDied || thrown instanceof ArtifactGone)
    return { kind: 'died', error: { code: 'failure', message, ...(hint !== undefined && { hint }) } };
  return { kind: 'failed', error };
}
