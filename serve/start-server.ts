import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { invalidInput } from '../base/errors.js';
import { isLoopback, namesOf } from '../base/hosts.js';
import { listenOnFirst, portsFrom } from '../base/ports.js';
import { createApp } from './http/app.js';
import type { Limits } from './http/context.js';
import { createMetrics, type Metrics } from './http/metrics.js';
import { createDecoder } from './images/decoder.js';
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
  const metrics = createMetrics();
  const service = await openService({
    ...pool,
    onBatch: metrics.onBatch,
    onWarning: (message) => log.warn(message),
  });
  const context = {
    service,
    metrics,
    log,
    isTraced,
    decoder: createDecoder({ parallel: decoders, maxPixels }),
    limits: { ...fixedLimits, inside: options.maxQueue + beside, budgetMs } satisfies Limits,
  };
  const access = { names: namesOf(host, names), token: token ?? null, origins };
  const app = await createApp({ context, access });
  try {
    const address = await listenOnFirst(host, portsFrom(firstPort, port), (one) => app.listen({ host, port: one }));
    return running(app, address, { service, metrics, log });
  } catch (error) {
    await app.close();
    await service.close();
    throw error;
  }
}

interface Parts {
  readonly service: Service;
  readonly metrics: Metrics;
  readonly log: Logger;
}

function running(app: FastifyInstance, address: string, { service, metrics, log }: Parts): RunningServer {
  let ended: Promise<void> | null = null;
  const end = async (): Promise<void> => {
    service.drain();
    await closeApp(app, log);
    await service.close();
  };
  const close = (): Promise<void> => (ended ??= end());
  return {
    address,
    service,
    metrics,
    close,
    drained: async (ms) => {
      service.drain();
      await delay(ms);
      await close();
    },
  };
}

/** Takes no more connections, and ends those that there are once what came on them is answered. */
async function closeApp(app: FastifyInstance, log: Logger): Promise<void> {
  const { server } = app;
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
