import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Service } from '../service.js';
import { codeOf, messageOf, NasError, type ErrorCode } from '../../base/errors.js';
import { Refusal } from '../../base/server.js';
import { BadImage } from '../images/decoder.js';
import { NotAnswered, type RefusalReason } from '../inference/pool.js';
import type { RouteContext } from './context.js';

/**
 * Sets `Connection: close` while the server drains, so that the client connects elsewhere. Called at the arrival of a request
 * and again before its answer, because a drain may start in between. A Fastify hook for each answer would cost more than a
 * small network.
 */
export function closeWhileDraining(reply: FastifyReply, { isReady }: Pick<Service, 'isReady'>): void {
  if (!isReady) void reply.header('connection', 'close');
}

export const badRequest = (message: string, hint?: string): Refusal => new Refusal(400, message, hint);

const maxShown = 60;
const maxUrl = 200;

/** A value of a request for an error message: JSON, truncated. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  let left = maxShown;
  // Cut before it becomes text: a value of a request may be large or nested deeply.
  const cut = (part: unknown): unknown => {
    if (left-- <= 0) return undefined;
    return Array.isArray(part) || typeof part === 'string' ? part.slice(0, maxShown + 1) : part;
  };
  const text = JSON.stringify(value, (_, part: unknown) => cut(part));
  return text.length > maxShown ? `${text.slice(0, maxShown)}...` : text;
}

/** Status in metrics when the client disconnected before its answer; never sent. */
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
  'inputs-changed': 409,
  interrupted: 503,
  failure: 500,
};

interface Refused {
  readonly status: number;
  readonly body: { readonly error: string };
  /** Whole seconds until a retry may succeed; null: unknown, or a retry is useless. */
  readonly retryAfter: number | null;
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

function ofFramework(error: FrameworksError): Refused {
  if (codeOf(error) !== 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return refused(error.statusCode, error.message);
  return refused(415, error.message, 'GET /openapi.json says what each address takes.');
}

/** The status and text that the client gets for an error. */
export function refusedFor(error: unknown): Refused {
  if (error instanceof NotAnswered)
    return refused(statusOfReason[error.reason], error.message, undefined, error.retryAfterMs);
  if (error instanceof Refusal || error instanceof BadImage)
    return refused(error.status, error.message, error instanceof Refusal ? error.hint : undefined);
  if (error instanceof NasError) return refused(statusOfCode[error.code], error.message, error.hint);
  return isFrameworks(error) ? ofFramework(error) : refused(500, 'internal server error', 'See the log of the server.');
}

/** A body up to this size in bytes is read although its request is refused: it has mostly arrived with the headers. */
export const smallBytes = 1 << 16;

/** Answers thrown errors and unknown routes with `{"error": "..."}`. */
export function answerErrors(app: FastifyInstance, { log, service }: RouteContext): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, body, retryAfter, isBug } = refusedFor(error);
    if (status === clientClosed) {
      // The client has disconnected.
      reply.hijack();
      reply.raw.destroy();
      return;
    }
    if (isBug) log.error({ err: error, method: request.method, url: request.url }, messageOf(error));
    closeWhileDraining(reply, service);
    // The rest of a large body is not read, so the connection cannot be reused.
    const { 'content-length': length = 0, 'transfer-encoding': coding } = request.headers;
    if (!request.raw.complete && (coding !== undefined || Number(length) > smallBytes))
      void reply.header('connection', 'close');
    if (retryAfter !== null) void reply.header('retry-after', retryAfter);
    void reply.status(status).send(body);
  });
  app.setNotFoundHandler((request) => {
    throw noRoute(request);
  });
}

export const noRoute = ({ method, url }: FastifyRequest): Refusal =>
  new Refusal(404, `there is no route ${method} ${url.slice(0, maxUrl)}`, 'GET /openapi.json lists the routes.');

/** Closes a connection after an error; null: at once, as its request has an answer, which nobody reads. */
export function endConnection(socket: Socket, status: number, error: string | null): void {
  if (error === null) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify({ error });
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: application/json`;
  if (socket.writable) socket.write(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  socket.destroySoon();
}
