/** What the server says to requests that it does not answer: one place for every status and its text. */
import type { FastifyInstance } from 'fastify';
import { messageOf, NasError, type ErrorCode } from '../../base/errors.js';
import { Refusal } from '../../base/server.js';
import { BadImage } from '../images/types.js';
import { NotAnswered, type RefusalReason } from '../inference/types.js';
import { sendAway } from './connection.js';
import type { Limits, RouteContext } from './context.js';

/** A mistake in a request. */
export const badRequest = (message: string, hint?: string): Refusal => new Refusal(400, message, hint);

const longest = 60;

/** A value of a request as an error shows it: in JSON, its beginning. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest)}...` : text;
}

/** Counted for clients that went before their answer; never sent. */
export const clientClosed = 499;

const statusOfReason: { readonly [R in RefusalReason]: number } = {
  full: 503,
  hopeless: 503,
  closing: 503,
  expired: 504,
  failed: 500,
  gone: clientClosed,
};

const statusOfCode: { readonly [C in ErrorCode]: number } = {
  'invalid-input': 400,
  infeasible: 400,
  'in-use': 503,
  interrupted: 503,
  failure: 500,
};

/** What is sent instead of an answer. */
export interface Refused {
  readonly status: number;
  readonly body: { readonly error: string };
  /** Whole seconds until it is worth trying again; null: trying again changes nothing, or nobody knows. */
  readonly retryAfter: number | null;
  /** Whether nobody foresaw it. */
  readonly isBug: boolean;
}

const sentences = (message: string, hint: string | undefined): string =>
  hint === undefined ? message : `${message.replace(/[.!?]$/, '')}. ${hint}`;

function refused(status: number, message: string, hint?: string, retryAfterMs: number | null = null): Refused {
  const retryAfter = status === 503 ? Math.max(1, Math.ceil((retryAfterMs ?? 0) / 1000)) : null;
  return { status, body: { error: sentences(message, hint) }, retryAfter, isBug: status === 500 };
}

type FrameworksError = Error & { readonly statusCode: number };

const isFrameworks = (error: unknown): error is FrameworksError =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';

const codeOf = (error: Error): unknown => ('code' in error ? error.code : undefined);

/** The framework's own refusals, in our words. */
function ofFramework(error: FrameworksError, { bodyBytes }: Limits): Refused {
  switch (codeOf(error)) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return refused(413, `the body has more than ${bodyBytes} bytes`, 'Send fewer or smaller images at once.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return refused(415, error.message, 'GET /openapi.json says what each address takes.');
    default:
      return refused(error.statusCode, error.message);
  }
}

/** What is said of anything that was thrown. */
export function refusedFor(error: unknown, limits: Limits): Refused {
  if (error instanceof NotAnswered)
    return refused(statusOfReason[error.reason], error.message, undefined, error.retryAfterMs);
  if (error instanceof Refusal || error instanceof BadImage)
    return refused(error.status, error.message, error instanceof Refusal ? error.hint : undefined);
  if (error instanceof NasError) return refused(statusOfCode[error.code], error.message, error.hint);
  return isFrameworks(error)
    ? ofFramework(error, limits)
    : refused(500, 'the server made a mistake', 'Its log says more.');
}

/** Has everything that is thrown, and every address that is not there, answered as `{"error": "..."}`. */
export function answerErrors(app: FastifyInstance, { limits, log, service }: RouteContext): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, body, retryAfter, isBug } = refusedFor(error, limits);
    if (status === clientClosed) {
      // Nobody is there to read it.
      reply.hijack();
      reply.raw.destroy();
      return;
    }
    if (isBug) log.error({ err: error, method: request.method, url: request.url }, messageOf(error));
    sendAway(reply, service);
    if (retryAfter !== null) void reply.header('retry-after', retryAfter);
    void reply.status(status).send(body);
  });
  app.setNotFoundHandler(({ method, url }) => {
    throw new Refusal(404, `there is nothing at ${method} ${url}`, 'GET /openapi.json lists what there is.');
  });
}
