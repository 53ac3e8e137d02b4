import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { z } from 'zod';
import { nasVersion } from '../../base/modules.js';
import type { AccessOptions } from './context.js';

/** Of what is sent, in the form that serialisers and descriptions of HTTP understand. */
export function jsonSchema(schema: z.ZodType): Readonly<Record<string, unknown>> {
  const whole = z.toJSONSchema(schema, { target: 'draft-7', io: 'output' });
  // It becomes a part of a larger document, which says once what it is.
  delete whole.$schema;
  return whole;
}

const error = {
  description: 'Why there is no answer',
  ...jsonSchema(z.object({ error: z.string().describe('What is wrong, which value it has, and what to do') })),
};

/** What a route says of itself: its errors have the form of all errors. */
export const described = (
  summary: string,
  { response, ...rest }: FastifySchema & { readonly response: Readonly<Record<string, unknown>> },
): FastifySchema => ({ summary, ...rest, response: { ...response, '4xx': error, '5xx': error } });

/** `GET /openapi.json`: the routes that follow, as they describe themselves. */
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
          'Image classifiers of different cost: each request is answered by the most accurate one that is still in time. ' +
          'Its time is its budget: the header `x-budget-ms`, in milliseconds. 503 says that the server has too much to do, ' +
          'and when to try again; 504, that the time is over.',
        version: nasVersion(),
      },
      ...security,
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, (_, reply) => reply.send(app.swagger()));
}
