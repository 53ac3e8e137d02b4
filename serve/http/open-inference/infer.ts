import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendAway } from '../connection.js';
import type { RouteContext } from '../context.js';
import { runOptionsOf } from '../deadline.js';
import { badRequest } from '../refusals.js';
import { checkOutput, sendAnswer } from './answer.js';
import { parseBytes } from './body.js';
import { createInferReader } from './request.js';
import { schemas } from './schemas.js';
import { servedAs } from './served.js';
import { inputsOf } from './tensors.js';
import { headerLength, modelPaths, type Named } from './wire.js';

/** `POST /v2/models/{name}/infer`: tensors in, tensors out. */
export function infer(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context;
  const read = createInferReader();
  const answer = (request: FastifyRequest<Named>, reply: FastifyReply): Promise<FastifyReply> =>
    service.use(async (pool) => {
      const { body, headers, params } = request;
      if (!(body instanceof Buffer) || body.length === 0)
        throw badRequest('the body is empty', 'It is a request of the protocol, in JSON.');
      const served = servedAs(pool, params.name);
      // A header that is sent twice is one, of two numbers.
      const asked = read(body, headers[headerLength]?.toString());
      checkOutput(asked.output, served);
      const inputs = inputsOf(asked.tensor, served, limits.images);
      const answers = await pool.run(inputs, runOptionsOf(request, context, served.only, asked.budgetMs));
      for (const one of answers) request.trace?.answered(one);
      sendAway(reply, service);
      return sendAnswer(reply, asked, served, answers);
    });
  void app.register((scope, _, done) => {
    parseBytes(scope, limits.bodyBytes);
    for (const path of modelPaths) scope.post<Named>(`${path}/infer`, { schema: schemas.infer }, answer);
    done();
  });
}
