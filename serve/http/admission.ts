import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../base/server.js';
import { sendAway } from './connection.js';
import type { RouteContext } from './context.js';
import { clientClosed } from './refusals.js';

/** Of addresses that are not there: whoever tries many makes no more labels. */
const noRoute = 'none';

/** How many are in the server. */
export interface Inside {
  readonly requests: number;
}

/**
 * Notes when each request comes and how it ends, and refuses those that carry work when as many as may be are inside:
 * before their bodies are read, as a refusal must cost next to nothing under overload.
 */
export function admitRequests(app: FastifyInstance, { limits, metrics, service, log }: RouteContext): Inside {
  const inside = { requests: 0 };
  // One for all: a stack trace for each would cost more than the rest of the refusal.
  const full = new Refusal(503, `${limits.inside} requests are inside, which is all that may be`, 'Try again later.');
  app.decorateRequest('arrived', 0);
  app.addHook('onRequest', (request, reply, done) => {
    const { method, raw } = request;
    const response = reply.raw;
    request.arrived = performance.now();
    const isCounted = method === 'POST' && inside.requests < limits.inside;
    if (isCounted) inside.requests++;
    // Fires for whatever ends it, also a client that goes; an `onResponse` hook does not.
    response.once('close', () => {
      if (isCounted) inside.requests--;
      const status = response.writableFinished ? response.statusCode : clientClosed;
      const ms = performance.now() - request.arrived;
      metrics.onRequest(request.routeOptions.url ?? noRoute, status, ms / 1000);
      if (log.isLevelEnabled('debug')) log.debug({ method, url: raw.url, status, ms }, 'request');
    });
    sendAway(reply, service);
    if (method === 'POST' && !isCounted) done(full);
    else done();
  });
  return inside;
}
