import { STATUS_CODES, type Server } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { type FastifyHttpOptions, type FastifyInstance } from 'fastify';
import type { AccessOptions, Limits, RouteContext } from './context.js';
import { answerErrors, refusedFor } from './refusals.js';
import { checkAccess } from './access.js';
import { type Admission, admitRequests } from './admission.js';
import { images } from './images/index.js';
import { health, metricsRoute } from './health.js';
import { addLevels } from './metrics.js';
import { modelFiles } from './model-files.js';
import { openInference } from './open-inference/index.js';
import { describeApi } from './openapi.js';
import { Connections } from './connections.js';
import { traceRequests } from './tracing.js';

/** Longer than proxies keep idle connections (nginx: 60 s), so that the proxy closes them. */
const keepAliveMs = 65_000;
/** A silent connection is closed after this time; longer than the longest budget. */
const silenceMs = 120_000;
/** Model names are file names; each byte takes up to three characters in a URL. */
const longestName = 3 * 255;

const requestTimeout = 'ERR_HTTP_REQUEST_TIMEOUT';

const clientErrors: Readonly<Record<string, readonly [status: number, error: (limits: Limits) => string]>> = {
  [requestTimeout]: [408, ({ requestMs }) => `the request did not arrive within ${requestMs} ms. Send it faster.`],
  HPE_HEADER_OVERFLOW: [431, () => 'the headers are too long. Send fewer or shorter ones.'],
};

/** Answers a malformed or incomplete request and closes the connection. */
function refuseConnection(code: string | undefined, socket: Socket, limits: Limits): void {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  const [status, error] = clientErrors[code ?? ''] ?? [400, () => 'this is no HTTP request.'];
  const body = JSON.stringify({ error: error(limits) });
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: application/json`;
  if (socket.writable) socket.write(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  socket.destroySoon();
}

const serverOptions = (
  limits: Limits,
  { proxies }: AccessOptions,
  onTimeout: (socket: Socket) => void,
): FastifyHttpOptions<Server> => ({
  bodyLimit: limits.bodyBytes,
  ...(proxies.length > 0 && { trustProxy: [...proxies] }),
  requestTimeout: limits.requestMs,
  connectionTimeout: silenceMs,
  keepAliveTimeout: keepAliveMs,
  http: {
    headersTimeout: limits.requestMs,
    requestTimeout: limits.requestMs,
    // Interval of the search for slow requests.
    connectionsCheckingInterval: Math.ceil(limits.requestMs / 4),
  },
  routerOptions: { maxParamLength: longestName },
  // A closing server still answers on open connections, with `Connection: close`.
  return503OnClosing: false,
  clientErrorHandler: (error, socket) => {
    if (error.code === requestTimeout) onTimeout(socket);
    refuseConnection(error.code, socket, limits);
  },
  // Malformed URLs have no route, and no hook runs for them.
  frameworkErrors: (error, _, { raw }) => {
    const { status, body } = refusedFor(error, limits);
    raw.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  },
});

type RouteModule = (app: FastifyInstance, context: RouteContext) => void;

const modules: readonly RouteModule[] = [traceRequests, health, metricsRoute, images, openInference, modelFiles];

interface AppOptions {
  readonly admission: Admission;
  readonly access: AccessOptions;
}

/** The HTTP server of a frontier, not yet listening. Closing it answers the accepted requests and ends the connections. */
export async function createApp({ admission, access }: AppOptions): Promise<FastifyInstance> {
  const { context } = admission;
  const { limits, metrics, service, decoder } = context;
  const app = fastify(
    serverOptions(limits, access, (socket) => {
      const connection = connections.of(socket);
      if (connection !== undefined) connection.isTimedOut = true;
    }),
  );
  const connections = new Connections(app.server, limits.connections);
  answerErrors(app, context);
  admitRequests(app, admission, connections);
  await checkAccess(app, access);
  await describeApi(app, access);
  addLevels(metrics, {
    nas_requests_inside: {
      help: 'Requests that carry work, from their headers to their answers',
      read: () => admission.inside,
    },
    nas_connections: { help: 'Open connections', read: () => connections.size },
    nas_queue_depth: { help: 'Images that wait to be computed', read: () => service.pool.depth },
    nas_decode_queue_depth: { help: 'Images that wait to be decoded', read: () => decoder.depth },
    nas_networks: { help: 'Networks that are served', read: () => service.pool.models.length },
  });
  for (const module of modules) module(app, context);
  return app;
}
