import { NasError } from '../../../base/errors.js';
import { fromPlainError, type PlainError } from '../../runner/jobs/messages.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
import { isInterrupted } from '../interrupted.js';
import { answerSchema, failureSchema, type Folders, type Identity } from '../wire.js';

/** What came of one attempt of a job. Paths are symbols. */
export type Outcome =
  | { readonly kind: 'done'; readonly result: ResultOf<Job>; readonly folders: Folders }
  /** It was stopped: it gives a result that says so, or nothing. */
  | { readonly kind: 'interrupted'; readonly result?: ResultOf<Job>; readonly folders: Folders }
  /** Its process ended, or its worker is unable: another attempt may do well. */
  | { readonly kind: 'died'; readonly reason: string; readonly by?: Identity }
  | { readonly kind: 'failed'; readonly error: NasError };

/** What a job returned. */
export function outcomeOfAnswer(returned: unknown): Outcome {
  const parsed = answerSchema.safeParse(returned);
  if (!parsed.success) return { kind: 'died', reason: 'its worker gave an answer that cannot be read' };
  const { result, folders } = parsed.data;
  return { kind: isInterrupted(result) ? 'interrupted' : 'done', result, folders };
}

/** Why a job failed, as its worker wrote it; what the queue itself wrote is no failure of the job. */
export function outcomeOfFailure(reason: string): Outcome {
  const parsed = failureSchema.safeParse(parsedJson(reason));
  if (!parsed.success) return { kind: 'died', reason };
  const { error, died, by } = parsed.data;
  if (died) return { kind: 'died', reason: textOf(error), by };
  if (error.code === 'interrupted') return { kind: 'interrupted', folders: {} };
  return { kind: 'failed', error: fromPlainError(error) };
}

/** The hint is part of what is told of an attempt. */
const textOf = ({ message, hint }: PlainError): string => (hint === undefined ? message : `${message} (${hint})`);

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
