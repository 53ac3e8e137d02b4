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
    new Refusal(403, `pages of ${shown(origin)} may not ask this server`, 'nas serve --origin allows a page.'),
  host: ({ headers: { host } }) =>
    new Refusal(
      403,
      `the server does not answer as ${host ?? 'a host without a name'}`,
      'nas serve --name NAME makes it answer under a name of yours.',
    ),
  token: () => new Refusal(401, 'the token is missing or wrong', 'Send it as Authorization: Bearer TOKEN.'),
};

/** A day; browsers ask no more often whether a page may ask. */
const preflightSeconds = 86_400;

/** Checks who asks before a body is read: pages by their origin, names by which the server is called, the token. */
export async function checkAccess(app: FastifyInstance, { names, token, origins }: AccessOptions): Promise<void> {
  // First, and for allowed pages only: what they are refused, they can read.
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
