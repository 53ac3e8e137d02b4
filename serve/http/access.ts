import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Denial, denialOf, Refusal } from '../../base/server.js';
import type { AccessOptions } from './context.js';
import { budgetHeader } from './deadline.js';
import { healthPaths, metricsPath } from './health.js';
import { headerLength } from './wire.js';
import { shown } from './refusals.js';

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
export async function checkAccess(app: FastifyInstance, access: AccessOptions): Promise<void> {
  const { names, token, origins, hasOpenMetrics } = access;
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
  const open = new Set<string | undefined>([...Object.values(healthPaths), ...(hasOpenMetrics ? [metricsPath] : [])]);
  app.addHook('onRequest', (request, _, done) => {
    const { url } = request.routeOptions;
    const denial = denialOf(request.headers, open.has(url) ? withoutToken : guard);
    if (denial === null) done();
    else done(refusals[denial](request));
  });
}
