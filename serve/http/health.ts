import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Refusal } from '../../base/server.js';
import type { RouteContext } from './context.js';
import { described, jsonSchema } from './openapi.js';

/** Routes without a token, because probes have none. */
export const healthPaths = { live: '/v2/health/live', ready: '/v2/health/ready' } as const;

export const metricsPath = '/metrics';

const answers = (schema: z.ZodType, description: string) => ({
  tags: ['Health'],
  response: { 200: { description, ...jsonSchema(schema) } },
});

const schemas = {
  live: described('Whether the server is alive', answers(z.object({ live: z.boolean() }), 'The server is alive')),
  ready: described('Whether the server is ready', answers(z.object({ ready: z.boolean() }), 'The server is ready')),
};

export function health(app: FastifyInstance, { service }: RouteContext): void {
  app.get(healthPaths.live, { schema: schemas.live }, (_, reply) => reply.send({ live: true }));
  app.get(healthPaths.ready, { schema: schemas.ready }, (_, reply) => {
    if (!service.isReady) throw new Refusal(503, 'the server accepts no new requests', 'It is shutting down.');
    return reply.send({ ready: true });
  });
}

const metricsSchema = described('Metrics for Prometheus', {
  tags: ['Operation'],
  response: {
    200: {
      description: 'Metrics in the text format of Prometheus',
      content: { 'text/plain': { schema: { type: 'string' } } },
    },
  },
});

/** `GET /metrics`, in the text format of Prometheus. */
export function metricsRoute(app: FastifyInstance, { metrics: { registry } }: RouteContext): void {
  app.get(metricsPath, { schema: metricsSchema }, async (_, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
