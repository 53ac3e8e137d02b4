/** How long connections may take, and how many there may be. */
import { STATUS_CODES, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyHttpOptions } from 'fastify';
import type { Limits } from './context.js';
import { refusedFor } from './refusals.js';

/** Longer than proxies keep a connection without requests (nginx: 60 s), so that it is they who close it. */
const keepAliveMs = 65_000;
/** A connection on which nothing moves is closed; longer than the longest budget. */
const silenceMs = 120_000;
/** Names of models are those of files, whose letters take up to three characters each in an address. */
const longestName = 3 * 255;

const clientErrors: Readonly<Record<string, readonly [status: number, error: (limits: Limits) => string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [
    408,
    ({ requestMs }) => `the request did not arrive within ${requestMs} ms. Send it faster.`,
  ],
  HPE_HEADER_OVERFLOW: [431, () => 'the headers are too long. Send fewer or shorter ones.'],
};

/** Answers what is no request, or does not come to an end, and ends the connection. */
function refuseConnection(code: string | undefined, socket: Socket, limits: Limits): void {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  const [status, error] = clientErrors[code ?? ''] ?? [400, () => 'this is no HTTP request.'];
  const body = JSON.stringify({ error: error(limits) });
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: application/json`;
  if (socket.writable) socket.write(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  socket.destroySoon();
}

/** How a server of these limits is made. */
export const serverOptions = (limits: Limits): FastifyHttpOptions<Server> => ({
  bodyLimit: limits.bodyBytes,
  requestTimeout: limits.requestMs,
  connectionTimeout: silenceMs,
  keepAliveTimeout: keepAliveMs,
  http: {
    headersTimeout: limits.requestMs,
    requestTimeout: limits.requestMs,
    // Slow requests are looked for so often.
    connectionsCheckingInterval: Math.ceil(limits.requestMs / 4),
  },
  routerOptions: { maxParamLength: longestName },
  // While it closes, what comes on open connections is still answered, and told to go elsewhere.
  return503OnClosing: false,
  clientErrorHandler: (error, socket) => refuseConnection(error.code, socket, limits),
  // Addresses that cannot be read have no route, and no hook runs for them.
  frameworkErrors: (error, _, { raw }) => {
    const { status, body } = refusedFor(error, limits);
    raw.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  },
});
