import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../base/server.js';
import { NotAnswered } from '../inference/pool.js';
import { bodyCollector } from '../memory.js';
import { Shares } from '../shares.js';
import type { Connection, Connections } from './connections.js';
import type { Limits, RouteContext } from './context.js';
import { healthPaths } from './health.js';
import { clientClosed, closeWhileDraining } from './refusals.js';
import { ClientSlots } from './client-slots.js';

/** Unknown routes share one metrics label, which bounds cardinality. */
const noRoute = 'none';

const cheap: ReadonlySet<string | undefined> = new Set(Object.values(healthPaths));

/** Requests of one client at a time while there are other clients: enough to keep all inference threads busy. */
const slotsEach = { least: 4, perWorker: 2 } as const;
/** A larger body takes more slots. */
const bytesOfSlot = 1 << 18;
/** Milliseconds after which bodies in flight have arrived, or their clients are cut off. */
const retryAfterMs = 1000;
/** The most that gzip and deflate expand. */
const largestExpansion = 1032;

/** Memory in bytes for the body of a request, from its headers. */
function bodyCost({ headers }: FastifyRequest, { bodyBytes }: Limits): number {
  if (headers['transfer-encoding'] !== undefined) return bodyBytes;
  const length = Number(headers['content-length'] ?? 0);
  return headers['content-encoding'] === undefined ? length : Math.min(bodyBytes, length * largestExpansion);
}

/** What the requests of a server share. */
export class Admission {
  private readonly requests: Shares;
  readonly slots: ClientSlots;
  private readonly bodyEnded = bodyCollector();
  // One object for each: a stack trace for each refusal would cost more than the rest of it.
  readonly full: Error;
  private readonly noMemory: Error;
  private readonly tooLarge: Error;

  constructor(readonly context: RouteContext) {
    const { limits, memory, service } = context;
    const each = (): number => Math.max(slotsEach.least, slotsEach.perWorker * service.pool.workers);
    this.slots = new ClientSlots(each, limits.connections);
    this.requests = new Shares(limits.inside);
    const used = (message: string) => new NotAnswered('full', message, retryAfterMs);
    this.full = used(
      `the server has reached its limit of ${limits.inside} requests, or the client its share: try again later`,
    );
    this.noMemory = used(
      `bodies have reached the limit of ${memory.total} bytes, or the client its share: send fewer at a time`,
    );
    this.tooLarge = new Refusal(
      413,
      `the body has more than ${limits.bodyBytes} bytes`,
      'Send fewer or smaller images.',
    );
  }

  /** Requests that carry work. */
  get inside(): number {
    return this.requests.total - this.requests.free;
  }

  /** Takes a place and memory for a request. @returns why there are none; null: they are taken */
  take(client: string, cost: number): Error | null {
    const { memory, limits } = this.context;
    if (cost > limits.bodyBytes) return this.tooLarge;
    if (!this.requests.take(client, 1)) return this.full;
    if (memory.take(client, cost)) return null;
    this.requests.give(client, 1);
    return this.noMemory;
  }

  give(client: string, cost: number): void {
    this.requests.give(client, 1);
    this.context.memory.give(client, cost);
    this.bodyEnded(cost);
  }
}

/** A request from its headers to the end of its answer: one object, because its parts would cost more than the rest. */
class Admitted {
  isGone = false;
  readonly weight: number;
  private readonly client: string;
  private readonly cost: number;
  private isRunning = false;
  private isHolding = false;

  constructor(
    private readonly all: Admission,
    private readonly connection: Connection | undefined,
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
    private readonly done: (error?: Error) => void,
  ) {
    this.client = request.ip;
    this.cost = bodyCost(request, all.context.limits);
    this.weight = 1 + Math.floor(this.cost / bytesOfSlot);
    if (connection !== undefined) connection.requests++;
    // `close` also fires when the client disconnects; an `onResponse` hook does not.
    reply.raw.on('close', () => this.end());
  }

  enter(): void {
    const { all, request } = this;
    if (cheap.has(request.routeOptions.url)) this.done();
    else if (!all.slots.enter(this.client, this, request.arrived)) this.done(all.full);
  }

  begin(): void {
    this.isRunning = true;
    if (this.request.method === 'POST') {
      const refusal = this.all.take(this.client, this.cost);
      if (refusal !== null) {
        this.done(refusal);
        return;
      }
      this.isHolding = true;
    }
    this.done();
  }

  private end(): void {
    const { all, request, connection, client } = this;
    const { metrics, log } = all.context;
    const response = this.reply.raw;
    const now = performance.now();
    this.isGone = true;
    if (this.isHolding) all.give(client, this.cost);
    if (connection !== undefined) {
      connection.requests--;
      connection.silentSince = now;
    }
    if (this.isRunning) all.slots.leave(client, this.weight, now);
    const unfinished = connection?.isTimedOut === true ? 408 : clientClosed;
    const status = response.writableFinished ? response.statusCode : unfinished;
    const ms = now - request.arrived;
    metrics.onRequest(request.routeOptions.url ?? noRoute, status, ms / 1000);
    if (log.isLevelEnabled('debug')) log.debug({ method: request.method, url: request.raw.url, status, ms }, 'request');
  }
}

/**
 * Records the arrival and the end of each request. Refuses POST requests before their bodies are read when the server, its
 * memory for bodies, or the client's share of them is used up: a refusal must cost next to nothing under overload.
 */
export function admitRequests(app: FastifyInstance, admission: Admission, connections: Connections): void {
  const { service } = admission.context;
  app.decorateRequest('arrived', 0);
  app.addHook('onRequest', (request, reply, done) => {
    request.arrived = performance.now();
    closeWhileDraining(reply, service);
    new Admitted(admission, connections.of(request.raw.socket), request, reply, done).enter();
  });
}
