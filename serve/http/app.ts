import fastify, { type FastifyInstance } from 'fastify';
import { checkAccess } from './access.js';
import { admitRequests } from './admission.js';
import { classify } from './classify/index.js';
import type { AccessOptions, RouteContext } from './context.js';
import { health } from './health.js';
import { serverOptions } from './limits.js';
import { addLevels } from './metrics.js';
import { metricsRoute } from './metrics-route.js';
import { modelFiles } from './model-files.js';
import { openInference } from './open-inference/index.js';
import { describeApi } from './openapi.js';
import { answerErrors } from './refusals.js';
import { traceRequests } from './tracing/request-trace.js';

/** Adds routes to a server. */
export type RouteModule = (app: FastifyInstance, context: RouteContext) => void;

const modules: readonly RouteModule[] = [traceRequests, health, metricsRoute, classify, openInference, modelFiles];

export interface AppOptions {
  readonly context: RouteContext;
  readonly access: AccessOptions;
}

/** The HTTP server of a frontier, which does not listen yet. To close it answers what it took, and ends its connections. */
export async function createApp({ context, access }: AppOptions): Promise<FastifyInstance> {
  const { limits, metrics, service, decoder } = context;
  const app = fastify(serverOptions(limits));
  app.server.maxConnections = limits.connections;
  answerErrors(app, context);
  const inside = admitRequests(app, context);
  await checkAccess(app, access);
  await describeApi(app, access);
  const connections = countConnections(app);
  addLevels(metrics, {
    nas_requests_inside: {
      help: 'Requests that carry work, from their headers to their answers',
      read: () => inside.requests,
    },
    nas_connections: { help: 'Open connections', read: connections },
    nas_queue_depth: { help: 'Images that wait to be classified', read: () => service.pool.depth },
    nas_decode_queue_depth: { help: 'Images that wait to be decoded', read: () => decoder.depth },
    nas_networks: { help: 'Networks that are served', read: () => service.pool.models.length },
  });
  for (const module of modules) module(app, context);
  return app;
}

/** How many connections are open. */
function countConnections({ server }: FastifyInstance): () => number {
  let open = 0;
  server.on('connection', (socket) => {
    open++;
    socket.once('close', () => open--);
  });
  return () => open;
}
