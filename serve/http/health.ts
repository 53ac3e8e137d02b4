import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Refusal } from '../../base/server.js';
import type { RouteContext } from './context.js';
import { described, jsonSchema } from './openapi.js';

/** Addresses that anybody may ask, without a token: probes know none. */
export const healthPaths = { live: '/v2/health/live', ready: '/v2/health/ready' } as const;

const answers = (schema: z.ZodType, description: string) => ({
  tags: ['Health'],
  response: { 200: { description, ...jsonSchema(schema) } },
});

const schemas = {
  live: described('Whether the server lives', answers(z.object({ live: z.boolean() }), 'It does')),
  ready: described('Whether requests should come here', answers(z.object({ ready: z.boolean() }), 'They should')),
};

/** Whether the process answers, and whether new requests should come to it. */
export function health(app: FastifyInstance, { service }: RouteContext): void {
  app.get(healthPaths.live, { schema: schemas.live }, (_, reply) => reply.send({ live: true }));
  app.get(healthPaths.ready, { schema: schemas.ready }, (_, reply) => {
    if (!service.isReady) throw new Refusal(503, 'the server takes no new requests', 'It loads its models, or ends.');
    return reply.send({ ready: true });
  });
}
