import { messageOf, NasError, type ErrorCode } from '../../base/errors.js';
import { Refusal } from '../../base/server.js';
import type { ErrorAnswer } from './api.js';

/** What a run that cannot be read is to HTTP. */
const statuses: { readonly [C in ErrorCode]: number } = {
  'invalid-input': 422,
  infeasible: 422,
  'in-use': 503,
  interrupted: 503,
  failure: 500,
};

const answer = (message: string, hint?: string): ErrorAnswer => ({
  error: { message, ...(hint === undefined ? {} : { hint }) },
});

/** What is said of anything that was thrown, and whether nobody foresaw it. */
export function refusalOf(error: unknown): {
  readonly status: number;
  readonly body: ErrorAnswer;
  readonly isBug: boolean;
} {
  if (error instanceof Refusal) return { status: error.status, body: answer(error.message, error.hint), isBug: false };
  if (error instanceof NasError)
    return { status: statuses[error.code], body: answer(error.message, error.hint), isBug: false };
  // The framework's own, of a request that it does not take.
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return { status, body: answer(messageOf(error)), isBug: status >= 500 };
}
