import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './context.js';
import { Refusal } from './refusals.js';

/** Addresses that anybody may ask, without a token: probes know none. */
export const healthPaths = { live: '/v2/health/live', ready: '/v2/health/ready' } as const;

/** Whether the process answers, and whether new requests should come to it. */
export function health(app: FastifyInstance, { service }: RouteContext): void {
  app.get(healthPaths.live, (_, reply) => reply.send({ live: true }));
  app.get(healthPaths.ready, (_, reply) => {
    if (!service.isReady) throw new Refusal(503, 'the server takes no new requests', 'It loads its models, or ends.');
    return reply.send({ ready: true });
  });
}
