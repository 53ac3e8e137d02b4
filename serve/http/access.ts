import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Denial, denialOf, Refusal } from '../../base/server.js';
import type { AccessOptions } from './context.js';
import { budgetHeader } from './deadline.js';
import { healthPaths } from './health.js';
import { headerLength } from './open-inference/wire.js';
import { shown } from './refusals.js';

const open: ReadonlySet<string | undefined> = new Set(Object.values(healthPaths));

const refusals: { readonly [D in Denial]: (request: FastifyRequest) => Refusal } = {
  origin: ({ headers: { origin } }) =>
    new Refusal(403, `the origin ${shown(origin)} is not allowed`, 'nas serve --origin allows an origin.'),
  host: ({ headers: { host } }) =>
    new Refusal(
      403,
      `the server does not answer under the name ${host ?? '(no Host header)'}`,
      'nas serve --name NAME adds a name.',
    ),
  token: () => new Refusal(401, 'the token is missing or wrong', 'Send it as Authorization: Bearer TOKEN.'),
};

/** Browsers cache the answer to a preflight request for a day. */
const preflightSeconds = 86_400;

/** Checks origin, host name and token of a request before its body is read. */
export async function checkAccess(app: FastifyInstance, { names, token, origins }: AccessOptions): Promise<void> {
  // CORS comes first, so that allowed pages can read refusals.
  if (origins.length > 0)
    await app.register(cors, {
      origin: [...origins],
      allowedHeaders: ['authorization', 'content-type', budgetHeader, headerLength],
      exposedHeaders: [headerLength, 'retry-after'],
      maxAge: preflightSeconds,
    });
  const guard = { names, token, origins };
  const withoutToken = { ...guard, token: null };
  app.addHook('onRequest', (request, _, done) => {
    const isOpen = token === null || open.has(request.routeOptions.url);
    const denial = denialOf(request.headers, isOpen ? withoutToken : guard);
    if (denial === null) done();
    else done(refusals[denial](request));
  });
}
