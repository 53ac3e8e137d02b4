import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refusal } from '../../base/server.js';
import { NotAnswered } from '../inference/pool.js';
import { Shares } from '../shares.js';
import type { Connections } from './connections.js';
import type { Limits, RouteContext } from './context.js';
import { healthPaths } from './health.js';
import { clientClosed, closeWhileDraining } from './refusals.js';
import { ClientSlots } from './client-slots.js';

/** Unknown routes share one metrics label, which bounds cardinality. */
const noRoute = 'none';

const cheap: ReadonlySet<string | undefined> = new Set(Object.values(healthPaths));

export interface Inside {
  readonly requests: number;
}

/** Requests of one client at a time while there are other clients: enough to keep all inference threads busy. */
const slotsEach = { least: 4, perWorker: 2 } as const;
/** A larger body takes more slots. */
const bytesOfSlot = 1 << 18;
/** Milliseconds after which bodies in flight have arrived, or their clients are cut off. */
const retryAfterMs = 1000;
/** A body up to this size is read although its request is refused. */
const readBytes = 1 << 16;
/** The most that gzip and deflate expand. */
const largestExpansion = 1032;

/** Memory in bytes for the body of a request, from its headers. */
function bodyCost({ headers }: FastifyRequest, { bodyBytes }: Limits): number {
  if (headers['transfer-encoding'] !== undefined) return bodyBytes;
  const length = Number(headers['content-length'] ?? 0);
  return headers['content-encoding'] === undefined ? length : Math.min(bodyBytes, length * largestExpansion);
}

/**
 * Records the arrival and the end of each request. Refuses POST requests before their bodies are read when the server, its
 * memory for bodies, or the client's share of them is used up: a refusal must cost next to nothing under overload.
 */
export function admitRequests(app: FastifyInstance, context: RouteContext, connections: Connections): Inside {
  const { limits, metrics, service, log, memory } = context;
  const requests = new Shares(limits.inside);
  const slots = new ClientSlots(
    () => Math.max(slotsEach.least, slotsEach.perWorker * service.pool.workers),
    limits.connections,
  );
  // One object for each: a stack trace for each refusal would cost more than the rest of it.
  const full = new NotAnswered(
    'full',
    `the server has reached its limit of ${limits.inside} requests, or the client its share: try again later`,
    retryAfterMs,
  );
  const noMemory = new NotAnswered(
    'full',
    `bodies have reached the limit of ${memory.total} bytes, or the client its share: send fewer at a time`,
    retryAfterMs,
  );
  const tooLarge = new Refusal(
    413,
    `the body has more than ${limits.bodyBytes} bytes`,
    'Send fewer or smaller images.',
  );

  /** Takes a place and memory for a request. @returns how to give them back, or why there are none */
  const admit = (ip: string, cost: number): (() => void) | Error => {
    if (cost > limits.bodyBytes) return tooLarge;
    if (!requests.take(ip, 1)) return full;
    if (memory.take(ip, cost))
      return () => {
        requests.give(ip, 1);
        memory.give(ip, cost);
      };
    requests.give(ip, 1);
    return noMemory;
  };

  app.decorateRequest('arrived', 0);
  app.addHook('onRequest', (request, reply, done) => {
    const { method, raw, ip } = request;
    const { socket } = raw;
    const response = reply.raw;
    request.arrived = performance.now();
    const cost = bodyCost(request, limits);
    const weight = 1 + Math.floor(cost / bytesOfSlot);
    let isRunning = false;
    let isOver = false;
    let release: (() => void) | null = null;
    connections.began(socket);
    // `close` also fires when the client disconnects; an `onResponse` hook does not.
    response.once('close', () => {
      isOver = true;
      release?.();
      connections.ended(socket);
      if (isRunning) slots.leave(ip, weight);
      const unfinished = connections.isTimedOut(socket) ? 408 : clientClosed;
      const status = response.writableFinished ? response.statusCode : unfinished;
      const ms = performance.now() - request.arrived;
      metrics.onRequest(request.routeOptions.url ?? noRoute, status, ms / 1000);
      if (log.isLevelEnabled('debug')) log.debug({ method, url: raw.url, status, ms }, 'request');
    });
    closeWhileDraining(reply, service);
    if (cheap.has(request.routeOptions.url)) {
      done();
      return;
    }
    const refuse = (error: Error): void => {
      // The rest of a large body is not read, so the connection cannot be reused.
      if (cost > readBytes) void reply.header('connection', 'close');
      done(error);
    };
    const begin = (): void => {
      isRunning = true;
      const admitted = method === 'POST' ? admit(ip, cost) : null;
      if (admitted instanceof Error) {
        refuse(admitted);
        return;
      }
      release = admitted;
      done();
    };
    if (!slots.enter(ip, { weight, begin, isGone: () => isOver })) refuse(full);
  });
  return {
    get requests() {
      return limits.inside - requests.free;
    },
  };
}
