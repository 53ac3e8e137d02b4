import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../../base/errors.js';
import { sendAway } from '../connection.js';
import type { RouteContext } from '../context.js';
import { resultsOf } from './answer.js';
import { acceptImages, imagesOf } from './body.js';
import { questionOf, refuseHopeless, type Query } from './question.js';
import { classifySchema } from './schema.js';

interface Asked {
  Querystring: Query;
}

/** `POST /v1/classify`: images in, the most likely classes out. */
export function classify(app: FastifyInstance, context: RouteContext): void {
  const { service, decoder, limits } = context;
  void app.register(async (scope) => {
    await acceptImages(scope, limits);
    scope.post<Asked>(
      '/v1/classify',
      {
        schema: classifySchema,
        // What is asked is checked by `questionOf`, before the body is read, and in words that say what to do.
        validatorCompiler: () => () => true,
        onRequest: (request, _, done) => {
          try {
            refuseHopeless(questionOf(request, service.pool, context).run, decoder, service.pool);
            done();
          } catch (error) {
            done(error instanceof Error ? error : new Error(messageOf(error)));
          }
        },
      },
      async (request, reply) => {
        const files = await imagesOf(request, limits);
        return service.use(async (pool) => {
          const question = questionOf(request, pool, context);
          refuseHopeless(question.run, decoder, pool);
          const results = await resultsOf(files, question, { decoder, pool, trace: request.trace });
          sendAway(reply, service);
          return { results };
        });
      },
    );
  });
}
