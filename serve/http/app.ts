import { createServer, type Server } from 'node:http';
import fastify, { type FastifyHttpOptions, type FastifyInstance } from 'fastify';
import { surviveAbort } from '../../base/pipelining.js';
import type { AccessOptions, Limits, RouteContext } from './context.js';
import { answerErrors, endConnection, refusedFor } from './refusals.js';
import { checkAccess } from './access.js';
import { type Admission, admitRequests, recordRequests } from './admission.js';
import { images } from './images/index.js';
import { health, metricsRoute } from './health.js';
import { addLevels } from './metrics.js';
import { openInference } from './open-inference/index.js';
import { describeApi } from './openapi.js';
import { Connections } from './connections.js';

/** Longer than proxies keep idle connections (nginx: 60 s), so that the proxy closes them. */
const keepAliveMs = 65_000;
/** A silent connection is closed after this time; longer than the longest budget. */
const silenceMs = 120_000;
/** Model names are file names; each byte takes up to three characters in a URL. */
const longestName = 3 * 255;

type ClientError = readonly [status: number, error: (limits: Limits) => string];

const malformed: ClientError = [400, () => 'this is no HTTP request.'];

const clientErrors: Readonly<Record<string, ClientError | undefined>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [
    408,
    ({ requestMs }) => `the request did not arrive within ${requestMs} ms. Send it faster.`,
  ],
  HPE_HEADER_OVERFLOW: [431, () => 'the headers are too long. Send fewer or shorter ones.'],
};

const serverOptions = (
  limits: Limits,
  { proxies }: AccessOptions,
  connections: Connections,
): FastifyHttpOptions<Server> => ({
  serverFactory: (handle) => {
    const server = createServer({
      headersTimeout: limits.requestMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: keepAliveMs,
      // Interval of the search for slow requests.
      connectionsCheckingInterval: Math.ceil(limits.requestMs / 4),
    });
    connections.watch(server);
    return server.setTimeout(silenceMs).on('request', (request, response) => {
      if (!connections.mayBegin(request.socket)) return;
      surviveAbort(request);
      handle(request, response);
    });
  },
  ...(proxies.length > 0 && { trustProxy: [...proxies] }),
  routerOptions: { maxParamLength: longestName },
  // A closing server still answers on open connections, with `Connection: close`.
  return503OnClosing: false,
  clientErrorHandler: ({ code }, socket) => {
    if (code === 'ECONNRESET' || socket.destroyed) return;
    const [status, error] = clientErrors[code] ?? malformed;
    const connection = connections.of(socket);
    if (connection !== undefined) connection.unfinished = status;
    endConnection(socket, status, error(limits));
  },
  // Malformed URLs have no route, and no hook runs for them.
  frameworkErrors: (error, _, { raw }) => {
    const { status, body } = refusedFor(error);
    raw.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body));
  },
});

type RouteModule = (app: FastifyInstance, context: RouteContext) => void;

const modules: readonly RouteModule[] = [health, metricsRoute, images, openInference];

interface AppOptions {
  readonly admission: Admission;
  readonly access: AccessOptions;
}

/** The HTTP server of a frontier, not yet listening. Closing it answers the accepted requests and ends the connections. */
export async function createApp({ admission, access }: AppOptions): Promise<FastifyInstance> {
  const { context } = admission;
  const { limits, metrics, service, decoder } = context;
  const connections = new Connections(limits.connections);
  const app = fastify(serverOptions(limits, access, connections));
  app.server.on('connection', () => context.turns.arrived());
  // Bodies are parsed by the routes that read some.
  app.removeAllContentTypeParsers();
  answerErrors(app, context);
  recordRequests(app, admission, connections);
  await checkAccess(app, access);
  admitRequests(app);
  await describeApi(app, access);
  addLevels(metrics, {
    nas_requests_inside: {
      help: 'Requests that have a place, from their headers to their answers',
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
