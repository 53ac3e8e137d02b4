import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { z } from 'zod';
import { nasVersion } from '../../base/modules.js';
import type { AccessOptions } from './context.js';

/** JSON Schema (draft 7) for serialisers and the OpenAPI description. */
export function jsonSchema(schema: z.ZodType): Readonly<Record<string, unknown>> {
  const whole = z.toJSONSchema(schema, { target: 'draft-7', io: 'output' });
  // Only the enclosing document has a `$schema`.
  delete whole.$schema;
  return whole;
}

const error = {
  description: 'Why there is no answer',
  ...jsonSchema(z.object({ error: z.string().describe('The problem, the value, and what to do') })),
};

/** OpenAPI description of a route, with the common form of errors. */
export const described = (
  summary: string,
  { response, ...rest }: FastifySchema & { readonly response: Readonly<Record<string, unknown>> },
): FastifySchema => ({ summary, ...rest, response: { ...response, '4xx': error, '5xx': error } });

/** `GET /openapi.json`: describes the routes that are registered later. */
export async function describeApi(app: FastifyInstance, { token }: AccessOptions): Promise<void> {
  const security =
    token === null
      ? {}
      : {
          components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } as const } },
          security: [{ token: [] }],
        };
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'nas serve',
        description:
          'Networks for images, of different cost: the most accurate one that meets the deadline answers a request. The header ' +
          '`x-budget-ms` sets the deadline, in milliseconds. 503: the server is overloaded, with the time to retry after; ' +
          '504: the deadline has passed.',
        version: nasVersion(),
      },
      ...security,
    },
  });
  // Written once, and all answers share the bytes: they may wait for their clients.
  let description: Buffer | null = null;
  app.get('/openapi.json', { schema: { hide: true } }, (_, reply) =>
    reply.type('application/json').send((description ??= Buffer.from(JSON.stringify(app.swagger())))),
  );
}
