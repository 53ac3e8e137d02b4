import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../base/server.js';
import { clientClosed, closeWhileDraining } from './refusals.js';
import type { RouteContext } from './context.js';

/** Unknown routes share one metrics label, which bounds cardinality. */
const noRoute = 'none';

export interface Inside {
  readonly requests: number;
}

/**
 * Records the arrival and the end of each request, and refuses POST requests above the limit before their bodies are read: a
 * refusal must cost next to nothing under overload.
 */
export function admitRequests(app: FastifyInstance, { limits, metrics, service, log }: RouteContext): Inside {
  const inside = { requests: 0 };
  // One object for all: a stack trace for each would cost more than the rest of the refusal.
  const full = new Refusal(503, `the server has reached its limit of ${limits.inside} requests`, 'Try again later.');
  app.decorateRequest('arrived', 0);
  app.addHook('onRequest', (request, reply, done) => {
    const { method, raw } = request;
    const response = reply.raw;
    request.arrived = performance.now();
    const isCounted = method === 'POST' && inside.requests < limits.inside;
    if (isCounted) inside.requests++;
    // `close` also fires when the client disconnects; an `onResponse` hook does not.
    response.once('close', () => {
      if (isCounted) inside.requests--;
      const status = response.writableFinished ? response.statusCode : clientClosed;
      const ms = performance.now() - request.arrived;
      metrics.onRequest(request.routeOptions.url ?? noRoute, status, ms / 1000);
      if (log.isLevelEnabled('debug')) log.debug({ method, url: raw.url, status, ms }, 'request');
    });
    closeWhileDraining(reply, service);
    if (method === 'POST' && !isCounted) done(full);
    else done();
  });
  return inside;
}
