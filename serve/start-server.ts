import { setImmediate as polled, setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { invalidInput } from '../base/errors.js';
import { isLoopback, listenOnFirst, namesOf, portsFrom } from '../base/server.js';
import { createApp } from './http/app.js';
import { createMetrics, type Metrics } from './http/metrics.js';
import { createDecoder } from './images/decoder.js';
import { warmUp } from './images/warm-up.js';
import { openService, type ServiceOptions } from './open-service.js';
import type { Service } from './service.js';

export interface ServerOptions extends Omit<ServiceOptions, 'onBatch' | 'onWarning'> {
  readonly host: string;
  /** 0: any free one. Default: 8080, or the next one that is free. */
  readonly port?: number;
  /** What everybody must know; required where others than this machine can connect. */
  readonly token?: string;
  /** Names besides this machine's own under which the server is reached, a proxy's for example. */
  readonly names?: readonly string[];
  /** Origins whose pages in a browser may ask: `https://shop.example.com`. */
  readonly origins?: readonly string[];
  /** Images that are decoded at a time. */
  readonly decoders: number;
  /** Milliseconds that a request has when it does not say. */
  readonly budgetMs: number;
  /** Whether requests are traced, by the provider that this process has registered with OpenTelemetry (`startTracing`). */
  readonly isTraced?: boolean;
  readonly log: Logger;
}

/** A server that listens. */
export interface RunningServer {
  /** `http://127.0.0.1:8080`. */
  readonly address: string;
  readonly service: Service;
  readonly metrics: Metrics;
  /**
   * Says to whoever asks that it is not ready, and answers on; after `ms`, when balancers have noticed, takes no more
   * connections, and ends when all that it took is answered.
   */
  readonly drained: (ms: number) => Promise<void>;
  /** As `drained`, at once. */
  readonly close: () => Promise<void>;
}

const firstPort = 8080;
const maxPixels = 50e6;

/** What requests may take, whatever the machine. */
const fixedLimits = { bodyBytes: 16 * 2 ** 20, images: 64, connections: 1024, requestMs: 10_000 } as const;
/** Requests that may be within the server beside those whose images wait: they are read, decoded or answered. */
const beside = 64;

/** Connections without a request are looked for so often, in ms, while the server ends. */
const idleEvery = 50;
/** Longer than the longest budget, in ms: who is not answered then does not read. */
const patience = 75_000;

/**
 * Serves models over HTTP.
 * @throws NasError `invalid-input` when they cannot be read or opened, others could connect without a token, or the address
 *   cannot be listened on.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port, token, names, origins = [], decoders, budgetMs, isTraced = false, log, ...pool } = options;
  if (token === undefined && !isLoopback(host))
    throw invalidInput(`a server on ${host} can be used by others: it needs a token`);
  const onWarning = (message: string): void => log.warn(message);
  /** What ends the parts, in the order in which they began. */
  const ends: (() => Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    for (const part of ends.splice(0).reverse()) await part();
  };
  try {
    const metrics = createMetrics();
    const service = await openService({ ...pool, onBatch: metrics.onBatch, onWarning });
    ends.push(() => service.close());
    const decoding = { parallel: decoders, maxPixels };
    const { size } = service.pool;
    if (size !== null) await warmUp(size, decoding);
    const app = await createApp({
      context: {
        service,
        metrics,
        log,
        decoder: createDecoder(decoding),
        limits: { ...fixedLimits, inside: options.maxQueue + beside, budgetMs },
        isTraced,
      },
      access: { names: namesOf(host, names), token: token ?? null, origins },
    });
    ends.push(() => closeApp(app, log));
    const address = await listenOnFirst(host, portsFrom(firstPort, port), (one) => app.listen({ host, port: one }));
    return { address, service, metrics, ...ending(service, end) };
  } catch (error) {
    await end();
    throw error;
  }
}

/** How a server ends, whoever asks for it, and how often. */
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
 * Reads what has come, and takes the connections that wait, of which the event loop takes one in each of its turns. What came
 * while it was busy was asked in time, and would be reset.
 */
async function catchUp({ server }: FastifyInstance): Promise<void> {
  let taken = 0;
  const count = (): void => {
    taken++;
  };
  server.on('connection', count);
  // Clients that nobody tells to stop would keep it going.
  for (let before = -1; before < taken && taken < fixedLimits.connections;) {
    before = taken;
    await polled();
  }
  server.off('connection', count);
}

/** Takes no more connections, and ends those that there are once what came on them is answered. */
async function closeApp(app: FastifyInstance, log: Logger): Promise<void> {
  const { server } = app;
  await catchUp(app);
  // Answers that had begun before left their connections open.
  const idle = setInterval(() => server.closeIdleConnections(), idleEvery);
  const late = setTimeout(() => {
    log.warn(`some answers were not read within ${patience / 1000} s: their connections are cut`);
    server.closeAllConnections();
  }, patience);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(late);
  }
}
