import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { badRequest, closeWhileDraining, smallBytes } from '../refusals.js';
import type { RouteContext } from '../context.js';
import { acceptBytes } from '../body.js';
import { servedAs } from '../served.js';
import { budgetHeader, checkFirst, runOptionsOf } from '../deadline.js';
import { outputsFor, sendAnswer } from './answer.js';
import { checkJsonSize } from './json.js';
import { createInferReader } from './request.js';
import { schemas } from './schemas.js';
import { refuseHopeless } from '../../inference/pool.js';
import { headerLength, modelPaths, type Named } from '../wire.js';
import { inputsOf } from './tensors.js';
import { metadata } from './metadata.js';
import { repository } from './repository.js';

/** `POST /v2/models/{name}/infer`: computes the outputs of a tensor. */
export function infer(app: FastifyInstance, context: RouteContext): void {
  const { service, turns, limits } = context;
  const read = createInferReader();
  const answer = (request: FastifyRequest<Named>, reply: FastifyReply): Promise<FastifyReply> =>
    service.use(async (pool) => {
      const { body, headers, params } = request;
      if (!(body instanceof Buffer) || body.length === 0)
        throw badRequest('the body is empty', 'Send a request of the protocol, in JSON.');
      const served = servedAs(pool, params.name, params.version);
      const parse = () => {
        // A repeated header becomes one text of two numbers, which `read` refuses.
        const asked = read(body, headers[headerLength]?.toString());
        return { asked, images: inputsOf(asked.tensor, served, limits.images) };
      };
      const { asked, images } = await (body.length > smallBytes ? turns.run(request.admitted.client, parse) : parse());
      const run = runOptionsOf(request, context, served.only, asked.budgetMs);
      const outputs = await outputsFor(asked, images, served, { context, pool, run, request });
      closeWhileDraining(reply, service);
      return sendAnswer(reply, outputs);
    });
  /** Large bodies. Without the header, the body may say the budget. */
  const refuseEarly = checkFirst((request: FastifyRequest<Named>) => {
    const { [budgetHeader]: budget, 'content-length': length = Infinity } = request.headers;
    if (Number(length) <= smallBytes) return;
    checkJsonSize(Number(request.headers[headerLength] ?? request.headers['content-length'] ?? 0));
    if (budget === undefined) return;
    const { pool } = service;
    const { only } = servedAs(pool, request.params.name, request.params.version);
    refuseHopeless(runOptionsOf(request, context, only).deadline, pool.expectedMs(only));
  });
  void app.register((scope, _, done) => {
    acceptBytes(scope, context);
    for (const path of modelPaths)
      scope.post<Named>(`${path}/infer`, { schema: schemas.infer, onRequest: refuseEarly }, answer);
    done();
  });
}

/** The Open Inference Protocol v2 over HTTP with Triton's binary tensors and index of models, but health. */
export function openInference(app: FastifyInstance, context: RouteContext): void {
  metadata(app, context);
  infer(app, context);
  repository(app, context);
}
