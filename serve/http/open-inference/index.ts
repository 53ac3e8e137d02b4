import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { messageOf } from '../../../base/errors.js';
import { badRequest, closeWhileDraining } from '../refusals.js';
import type { RouteContext } from '../context.js';
import { budgetHeader, refuseHopeless, runOptionsOf } from '../deadline.js';
import { checkOutput, sendAnswer } from './answer.js';
import { parseBytes } from './body.js';
import { createInferReader } from './request.js';
import { schemas } from './schemas.js';
import { servedAs } from './served.js';
import { inputsOf, renderedInputs } from './tensors.js';
import { headerLength, modelPaths, type Named } from './wire.js';
import { metadata } from './metadata.js';
import { repository } from './repository.js';

/** `POST /v2/models/{name}/infer`: computes the outputs of a tensor. */
export function infer(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context;
  const read = createInferReader();
  const answer = (request: FastifyRequest<Named>, reply: FastifyReply): Promise<FastifyReply> =>
    service.use(async (pool) => {
      const { body, headers, params } = request;
      if (!(body instanceof Buffer) || body.length === 0)
        throw badRequest('the body is empty', 'Send a request of the protocol, in JSON.');
      const served = servedAs(pool, params.name);
      // A repeated header becomes one text of two numbers, which `read` refuses.
      const asked = read(body, headers[headerLength]?.toString());
      checkOutput(asked.output, served);
      const inputs = await renderedInputs(inputsOf(asked.tensor, served, limits.images), served, pool.layout);
      const answers = await pool.run(inputs, runOptionsOf(request, context, served.only, asked.budgetMs));
      for (const one of answers) request.trace?.answered(one);
      closeWhileDraining(reply, service);
      return sendAnswer(reply, asked, served, answers);
    });
  /** Without the header, the body may say the budget. */
  const refuseEarly: onRequestHookHandler = (request, _, done) => {
    if (request.headers[budgetHeader] === undefined) {
      done();
      return;
    }
    try {
      const { pool } = service;
      const { only } = servedAs(pool, (request.params as Named['Params']).name);
      refuseHopeless(runOptionsOf(request, context, only), pool.expectedMs(only));
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(messageOf(error)));
    }
  };
  void app.register((scope, _, done) => {
    parseBytes(scope, limits.bodyBytes);
    for (const path of modelPaths)
      scope.post<Named>(`${path}/infer`, { schema: schemas.infer, onRequest: refuseEarly }, answer);
    done();
  });
}

/**
 * The Open Inference Protocol v2 over HTTP, with Triton's extensions for binary tensors and model repositories: what clients
 * of KServe and Triton speak.
 */

/** Every route of the protocol but health. */
export function openInference(app: FastifyInstance, context: RouteContext): void {
  metadata(app, context);
  infer(app, context);
  repository(app, context);
}
