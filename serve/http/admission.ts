import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../base/server.js';
import { clientGone, NotAnswered } from '../inference/pool.js';
import { bodyCollector } from '../memory.js';
import { Shares } from '../shares.js';
import { bodyCost, hasBody } from './body.js';
import { clientOf } from './client-address.js';
import type { Connection, Connections } from './connections.js';
import type { RouteContext } from './context.js';
import { healthPaths } from './health.js';
import { closeWhileDraining, endConnection, noRoute } from './refusals.js';
import { ClientSlots } from './client-slots.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Arrival of the headers, in ms of `performance.now()`. */
    arrived: number;
    admitted: Admitted;
  }
}

/** Unknown routes share one metrics label, which bounds cardinality. */
const unknownRoute = 'none';

const cheap: ReadonlySet<string | undefined> = new Set(Object.values(healthPaths));

/** Requests of one client at a time while there are other clients: enough to keep all inference threads busy. */
const slotsEach = { least: 4, perWorker: 2 } as const;
/** A larger body takes more slots. */
const bytesOfSlot = 1 << 18;
/** Milliseconds after which bodies in flight have arrived, or their clients are cut off. */
const retryAfterMs = 1000;
/** Number of the oldest requests that are compared when one must leave. */
const mostCompared = 64;

/** Shares places, slots of clients and memory among the requests of a server. */
export class Admission {
  private readonly places: Shares;
  readonly slots: ClientSlots;
  private readonly bodyEnded = bodyCollector();
  /** Requests that have a place, the oldest first. */
  private readonly placed = new Set<Admitted>();
  // Made once: under overload, stack traces would cost more than the rest of the refusals.
  readonly full: Error;
  readonly noMemory: Error;
  private readonly tooLarge: Error;

  constructor(readonly context: RouteContext) {
    const { limits, memory, service } = context;
    const each = (): number => Math.max(slotsEach.least, slotsEach.perWorker * service.pool.workers);
    this.slots = new ClientSlots(each, limits.connections);
    this.places = new Shares(limits.inside);
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

  /** Requests that have a place. */
  get inside(): number {
    return this.places.total - this.places.free;
  }

  /** Takes a place for a request, and memory for its body. @returns why there is none; null: they are taken */
  place(request: Admitted): Error | null {
    const { client, cost } = request;
    const { memory, limits } = this.context;
    if (cost > limits.bodyBytes) return this.tooLarge;
    if (!this.take(this.places, client, 1)) return this.full;
    if (this.take(memory, client, cost)) {
      this.placed.add(request);
      return null;
    }
    this.places.give(client, 1);
    return this.noMemory;
  }

  leave(request: Admitted): void {
    if (!this.placed.delete(request)) return;
    this.places.give(request.client, 1);
    this.context.memory.give(request.client, request.cost);
    this.bodyEnded(request.cost);
  }

  /** Takes an amount of a resource; if none is left, from requests that wait for their clients. */
  take(resource: Shares, client: string, amount: number): boolean {
    while (!resource.take(client, amount)) {
      const slowest = this.slowest((other) => other === client || resource.of(other) > resource.of(client));
      if (slowest === null) return false;
      slowest.evict();
    }
    return true;
  }

  /** The slowest request, in bytes per ms, among requests with an incomplete body or an unread answer. */
  private slowest(mayLeave: (client: string) => boolean): Admitted | null {
    const now = performance.now();
    let [slowest, least, compared]: [Admitted | null, number, number] = [null, Infinity, 0];
    for (const request of this.placed) {
      if (compared++ === mostCompared) break;
      if (!request.waitsForClient || !mayLeave(request.client)) continue;
      const rate = request.bytesPerMs(now);
      if (rate < least) [slowest, least] = [request, rate];
    }
    return slowest;
  }
}

/** A request from its headers to the end of its answer. One object holds all of it: more would show in the benchmark. */
class Admitted {
  isGone = false;
  readonly weight: number;
  readonly client: string;
  /** Only a body with a length waits: Node.js keeps each piece of the others as an object until it is read. */
  readonly mayWait: boolean;
  /** Bytes of memory: of the body, and later also of a large answer. */
  cost: number;
  private hasSlot = false;
  private proceed: (refusal?: Error) => void = () => undefined;

  constructor(
    private readonly all: Admission,
    private readonly connection: Connection | undefined,
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
  ) {
    this.client = clientOf(request.ip);
    this.cost = bodyCost(request, all.context.limits.bodyBytes);
    this.weight = 1 + Math.floor(this.cost / bytesOfSlot);
    this.mayWait = request.headers['transfer-encoding'] === undefined;
    connection?.requests.add(this);
    // `close` also fires when the client disconnects; an `onResponse` hook does not.
    reply.raw.on('close', this.end);
  }

  /** Waits for a slot and takes a place; requests without a body need none. */
  enter(proceed: (refusal?: Error) => void): void {
    const { all, request } = this;
    if (request.is404) proceed(noRoute(request));
    else if (cheap.has(request.routeOptions.url)) proceed();
    else {
      this.proceed = proceed;
      if (!all.slots.enter(this.client, this, request.arrived)) proceed(all.full);
    }
  }

  begin(): void {
    this.hasSlot = true;
    this.proceed((this.request.method === 'POST' && this.all.place(this)) || undefined);
  }

  /**
   * Takes memory for an answer, until its client has read it.
   * @throws NotAnswered `full` or `gone`
   */
  takeForAnswer(bytes: number): void {
    const { all, client } = this;
    // Nothing would give the bytes back.
    if (this.isGone) throw clientGone;
    if (!all.take(all.context.memory, client, bytes)) throw all.noMemory;
    this.cost += bytes;
  }

  /** Whether nothing is left to do for the server. */
  get waitsForClient(): boolean {
    return !this.request.raw.complete || this.reply.raw.writableEnded;
  }

  bytesPerMs(now: number): number {
    const { received, arrived, raw } = this.request;
    return (raw.complete ? 0 : received) / Math.max(1, now - arrived);
  }

  /** Ends a request that waits for its client, for one that does not. */
  evict(): void {
    const { connection, reply } = this;
    if (connection !== undefined) connection.unfinished = 503;
    const { socket } = this.request.raw;
    this.end();
    endConnection(
      socket,
      503,
      reply.raw.headersSent ? null : 'the server is full, and the request arrived too slowly.',
    );
  }

  readonly end = (): void => {
    if (this.isGone) return;
    this.isGone = true;
    const { all, request, connection, client } = this;
    const { metrics, log } = all.context;
    const response = this.reply.raw;
    const now = performance.now();
    all.leave(this);
    if (connection !== undefined) {
      connection.requests.delete(this);
      connection.silentSince = now;
    }
    if (this.hasSlot) all.slots.leave(client, this.weight, now);
    const status = response.writableFinished ? response.statusCode : (connection?.unfinished ?? response.statusCode);
    const ms = now - request.arrived;
    metrics.onRequest(request.routeOptions.url ?? unknownRoute, status, ms / 1000);
    if (log.isLevelEnabled('debug')) log.debug({ method: request.method, url: request.raw.url, status, ms }, 'request');
  };
}

/** Records the arrival and the end of each request. */
export function recordRequests(app: FastifyInstance, admission: Admission, connections: Connections): void {
  const { service } = admission.context;
  app.decorateRequest('arrived', 0);
  app.decorateRequest('received', 0);
  app.decorateRequest('admitted');
  app.addHook('onRequest', (request, reply, done) => {
    request.arrived = performance.now();
    closeWhileDraining(reply, service);
    request.admitted = new Admitted(admission, connections.of(request.raw.socket), request, reply);
    // Only POST requests have bodies that are read; the connection ends with others.
    if (request.method !== 'POST' && hasBody(request)) void reply.header('connection', 'close');
    done();
  });
}

/**
 * Refuses unknown routes, and POST requests when the server, its memory for bodies, or the client's share of them is used up:
 * before a byte of their bodies is read, as a refusal must cost next to nothing under overload.
 */
export function admitRequests(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _, done) => request.admitted.enter(done));
}
