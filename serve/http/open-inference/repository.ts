import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { messageOf } from '../../../base/errors.js';
import { Refusal } from '../../../base/server.js';
import type { RouteContext } from '../context.js';
import { badRequest } from '../refusals.js';
import { acceptBytes } from '../body.js';
import { parseJson } from './json.js';
import { schemas } from './schemas.js';
import { managementPaths, type Named } from '../wire.js';

const indexSchema = z.strictObject({ ready: z.boolean().default(false) });
const changeSchema = z.strictObject({ parameters: z.record(z.string(), z.unknown()).default({}) });

/** The JSON of an optional body. @throws Refusal 400 when it does not match the schema. */
function parse<T>({ body }: FastifyRequest, schema: z.ZodType<T>): T {
  let value: unknown = {};
  try {
    if (body instanceof Buffer && body.length > 0) value = parseJson(body);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw badRequest(`the body is not JSON: ${messageOf(error)}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badRequest(`the body is invalid: ${z.prettifyError(parsed.error)}`);
}

/** Web pages may use models, but not load and unload models. */
function refusePages({ headers: { origin } }: FastifyRequest): void {
  if (origin !== undefined)
    throw new Refusal(403, 'web pages may not load and unload models', 'Use a program instead.');
}

/** The model repository extension: lists, loads and unloads models. */
export function repository(app: FastifyInstance, context: RouteContext): void {
  const { service } = context;
  const change =
    (task: (name: string) => Promise<void>, known: readonly string[] = []) =>
    async (request: FastifyRequest<Named>, reply: FastifyReply): Promise<FastifyReply> => {
      refusePages(request);
      const others = Object.keys(parse(request, changeSchema).parameters).filter((name) => !known.includes(name));
      if (others.length > 0)
        throw badRequest(
          `${others.join(', ')} in parameters is not supported`,
          'The file in the folder of models defines the model.',
        );
      await task(request.params.name);
      return reply.send({});
    };
  void app.register((scope, _, done) => {
    acceptBytes(scope, context);
    scope.post('/v2/repository/index', { schema: schemas.index }, (request, reply) => {
      const { ready } = parse(request, indexSchema);
      const listed = service.index().filter(({ state }) => !ready || state === 'READY');
      return reply.send(listed.map((entry) => ({ ...entry, version: String(entry.version) })));
    });
    scope.post<Named>(
      managementPaths.load,
      { schema: schemas.load },
      change((name) => service.load(name)),
    );
    scope.post<Named>(
      managementPaths.unload,
      { schema: schemas.unload },
      change((name) => service.unload(name), ['unload_dependents']),
    );
    done();
  });
}
