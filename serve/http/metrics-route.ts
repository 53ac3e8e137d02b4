import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './context.js';

/** `GET /metrics`, as Prometheus reads it. */
export function metricsRoute(app: FastifyInstance, { metrics: { registry } }: RouteContext): void {
  app.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
}
