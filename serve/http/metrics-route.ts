import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './context.js';
import { described } from './openapi.js';

const schema = described('Metrics for Prometheus', {
  tags: ['Operation'],
  response: {
    200: { description: 'Text in the format of Prometheus', content: { 'text/plain': { schema: { type: 'string' } } } },
  },
});

/** `GET /metrics`, as Prometheus reads it. */
export function metricsRoute(app: FastifyInstance, { metrics: { registry } }: RouteContext): void {
  app.get('/metrics', { schema }, async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
}
