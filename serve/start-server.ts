import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setImmediate as polled, setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { invalidInput } from '../base/errors.js';
import { isLoopback, listenOnFirst, namesOf, portsFrom } from '../base/server.js';
import { Admission } from './http/admission.js';
import { createApp } from './http/app.js';
import type { AccessOptions, RouteContext } from './http/context.js';
import { createMetrics, type Metrics } from './http/metrics.js';
import { createDecoder, warmUp } from './images/decoder.js';
import { memoryForRequests } from './memory.js';
import { Shares } from './shares.js';
import { Turns } from './turns.js';
import { openService, type Service, type ServiceOptions } from './service.js';

export interface ServerOptions
  extends
    Omit<ServiceOptions, 'onBatch' | 'onWarning'>,
    Partial<Pick<AccessOptions, 'origins' | 'proxies' | 'hasOpenMetrics'>> {
  readonly host: string;
  /** 0: any free port. Default: 8080, or the next free port. */
  readonly port?: number;
  /** Bearer token that clients send; required unless `host` is a loopback address. */
  readonly token?: string;
  /** Further host names of the server, for example a proxy's. */
  readonly names?: readonly string[];
  readonly decoders: number;
  /** Bytes for the bodies of requests and for images that are decoded as a whole; by default `memoryForRequests`. */
  readonly memoryBytes?: number;
  /** Time budget in ms of a request that does not set its own. */
  readonly budgetMs: number;
  readonly log: Logger;
}

export interface RunningServer {
  /** `http://127.0.0.1:8080`. */
  readonly address: string;
  readonly service: Service;
  readonly metrics: Metrics;
  /**
   * Reports "not ready" and goes on answering. After `ms`, when load balancers have noticed, it refuses new connections and
   * ends when all accepted requests are answered.
   */
  readonly drained: (ms: number) => Promise<void>;
  /** Like `drained(0)`. */
  readonly close: () => Promise<void>;
}

const firstPort = 8080;
const maxPixels = 50e6;

/** Limits of requests that do not depend on the machine. */
const fixedLimits = { bodyBytes: 16 * 2 ** 20, images: 64, connections: 1024, requestMs: 10_000 } as const;
/** Requests of a client that may be read, decoded or answered beside those whose images are queued. */
const beside = 64;

/** Interval in ms at which a closing server ends idle connections. */
const idleEvery = 50;
/** Longer than the longest budget, in ms: a client without an answer by then does not read it. */
const patience = 75_000;

/**
 * Serves models over HTTP.
 * @throws NasError `invalid-input` when a model cannot be read or opened, the host is not a loopback address and there is no
 *   token, or the server cannot listen on the address.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port, token, names, decoders, budgetMs, log } = options;
  if (token === undefined && !isLoopback(host))
    throw invalidInput(`a server on ${host} is reachable from other machines: it needs a token`);
  const onWarning = (message: string): void => log.warn(message);
  /** Closes the parts, in the order in which they started. */
  const ends: (() => Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    for (const part of ends.splice(0).reverse()) await part();
  };
  try {
    const free = await freePort(host, portsFrom(firstPort, port));
    const metrics = createMetrics();
    const service = await openService({ ...options, onBatch: metrics.onBatch, onWarning });
    ends.push(() => service.close());
    const memory = new Shares(options.memoryBytes ?? memoryForRequests());
    const decoding = { parallel: decoders, maxPixels, memory };
    // Undefined: no model takes pixels.
    const first = service.pool.layout.parts.at(0);
    if (first !== undefined) await warmUp(first.rendering, decoding);
    const context: RouteContext = {
      service,
      metrics,
      log,
      decoder: createDecoder(decoding),
      memory,
      turns: new Turns(),
      limits: { ...fixedLimits, inside: Math.ceil(((options.maxQueue + beside) * 4) / 3), budgetMs },
    };
    const admission = new Admission(context);
    const access: AccessOptions = {
      names: namesOf(host, names),
      token: token ?? null,
      hasOpenMetrics: options.hasOpenMetrics ?? false,
      proxies: options.proxies ?? [],
      origins: options.origins ?? [],
    };
    const app = await createApp({ admission, access });
    ends.push(() => closeApp(app, log));
    const address = await listenOnFirst(host, [free], (one) => app.listen({ host, port: one }));
    return { address, service, metrics, ...ending(service, end) };
  } catch (error) {
    await end();
    throw error;
  }
}

/**
 * The first free port, found before models are measured. It refuses connections until the server listens: clients try again
 * after a refusal, and not after a reset.
 * @throws NasError `invalid-input` when all ports are in use, or the address is not this machine's
 */
async function freePort(host: string, ports: readonly number[]): Promise<number> {
  const server = createServer();
  await listenOnFirst(host, ports, async (port) => {
    server.listen(port, host);
    await once(server, 'listening');
  });
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Ends the server once, however often it is called. */
function ending(service: Service, end: () => Promise<void>): Pick<RunningServer, 'drained' | 'close'> {
  let ended: Promise<void> | null = null;
  const close = (): Promise<void> => {
    service.drain();
    return (ended ??= end());
  };
  return {
    close,
    drained: async (ms) => {
      service.drain();
      await delay(ms);
      await close();
    },
  };
}

/**
 * Accepts the connections in the backlog and reads their requests. Node.js accepts one connection per iteration of the event
 * loop; closing the socket would reset the rest, although they arrived in time.
 */
async function catchUp({ server }: FastifyInstance): Promise<void> {
  let accepted = 0;
  const count = (): void => {
    accepted++;
  };
  server.on('connection', count);
  // The limit ends the loop when clients keep connecting.
  for (let before = -1; before < accepted && accepted < fixedLimits.connections;) {
    before = accepted;
    await polled();
  }
  server.off('connection', count);
}

/** Refuses new connections and ends the open ones when their requests are answered. */
async function closeApp(app: FastifyInstance, log: Logger): Promise<void> {
  const { server } = app;
  await catchUp(app);
  // Answers that started before the drain keep their connections open.
  const idle = setInterval(() => server.closeIdleConnections(), idleEvery);
  const late = setTimeout(() => {
    log.warn(`some clients did not read their answers within ${patience / 1000} s: their connections are closed`);
    server.closeAllConnections();
  }, patience);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(late);
  }
}
