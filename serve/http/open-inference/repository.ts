import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RouteContext } from '../context.js';
import { badRequest } from '../refusals.js';
import { acceptBytes } from '../body.js';
import { parseJson } from './json.js';
import { schemas } from './schemas.js';

const indexSchema = z.strictObject({ ready: z.boolean().default(false) });

/** What an optional body asks for. @throws Refusal 400 when it does not match the schema. */
function parse({ body }: FastifyRequest): z.output<typeof indexSchema> {
  const value = body instanceof Buffer && body.length > 0 ? parseJson(body, 'the body') : {};
  const parsed = indexSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badRequest(`the body is invalid: ${z.prettifyError(parsed.error)}`);
}

/** The index of the model repository extension: the models and their states. */
export function repository(app: FastifyInstance, context: RouteContext): void {
  void app.register((scope, _, done) => {
    acceptBytes(scope, context);
    scope.post('/v2/repository/index', { schema: schemas.index }, (request, reply) => {
      const { ready } = parse(request);
      const listed = context.service.index().filter(({ state }) => !ready || state === 'READY');
      return reply.send(listed.map((entry) => ({ ...entry, version: String(entry.version) })));
    });
    done();
  });
}
