import { onTestFinished } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { namesOf } from '../../../base/server.js';
import { Admission } from '../../../serve/http/admission.js';
import { createApp } from '../../../serve/http/app.js';
import type { AccessOptions, Limits, RouteContext } from '../../../serve/http/context.js';
import { createMetrics } from '../../../serve/http/metrics.js';
import type { Decoder } from '../../../serve/images/decoder.js';
import { pixelLayout } from '../../../serve/inference/pixel-layout.js';
import type { Answer, InferencePool, Input, PooledModel } from '../../../serve/inference/pool.js';
import type { Frontier } from '../../../serve/models/model.js';
import type { Service } from '../../../serve/service.js';
import { Shares } from '../../../serve/shares.js';
import { Turns } from '../../../serve/turns.js';
import { temporaryFolder } from '../../support/temporary.js';
import { writeFrontier } from '../models.js';

export const limits: Limits = {
  bodyBytes: 1 << 20,
  images: 16,
  inside: 64,
  connections: 64,
  requestMs: 10_000,
  budgetMs: 10_000,
};

export const token = 'correct horse battery staple';

const pooled = (model: Frontier['models'][number]): PooledModel => ({
  model,
  times: new Map([[1, 1]]),
  maxBatch: 4,
  ms: (batch) => batch,
  outputs: model.output === 'probabilities' ? 'probabilities' : 'logits',
});

/** The outputs of the pool below for an image: its first, last and largest number. */
export const checkable = ({ data }: Input): Float32Array =>
  Float32Array.of(data[0], data[data.length - 1], Math.max(...data));

/**
 * A pool without networks that records its inputs and answers at once, or as the test decides.
 */
export function checkablePool(frontier: Frontier, change: Partial<InferencePool> = {}): InferencePool {
  const models = frontier.models.map(pooled);
  return {
    frontier,
    models,
    layout: pixelLayout(frontier.models),
    workers: 0,
    depth: 3,
    running: 0,
    expectedMs: () => 1,
    run: (inputs, { only }) =>
      Promise.resolve(
        inputs.map((input): Answer => ({
          model: only ?? frontier.choice[0],
          outputs: checkable(input),
          batch: inputs.length,
          queuedMs: 0.25,
          computedMs: 1.5,
        })),
      ),
    close: () => Promise.resolve(),
    ...change,
  };
}

export const noDecoder: Decoder = {
  depth: 0,
  waitMs: () => 0,
  check: () => undefined,
  decode: () => Promise.reject(new Error('this server decodes no images')),
  extentOf: () => Promise.reject(new Error('this server measures no images')),
  render: () => Promise.reject(new Error('this server renders no images')),
  run: (task) => task(),
};

/** A service of one pool that never changes. */
export const serviceOf = (pool: InferencePool, change: Partial<Service> = {}): Service => ({
  isReady: true,
  pool,
  use: (task) => task(pool),
  index: () => pool.models.map(({ model: { name } }) => ({ name, version: 1, state: 'READY', reason: '' })),
  reload: () => Promise.resolve(),
  drain: () => undefined,
  close: () => Promise.resolve(),
  ...change,
});

/** A service of three grey networks, which a test may change. */
export const greyService = (pool: Partial<InferencePool> = {}, service: Partial<Service> = {}): Service =>
  serviceOf(checkablePool(writeFrontier(temporaryFolder()), pool), service);

interface TestOptions {
  readonly access?: Partial<AccessOptions>;
  readonly limits?: Partial<Limits>;
  readonly decoder?: Decoder;
  readonly memoryBytes?: number;
  readonly turns?: Turns;
}

interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface TestServer {
  readonly url: string;
  readonly log: readonly { readonly msg: string }[];
  readonly metric: (name: string) => Promise<readonly Labelled[]>;
}

/** Access without tokens. */
export const openAccess: AccessOptions = {
  names: namesOf('127.0.0.1'),
  token: null,
  hasOpenMetrics: false,
  proxies: [],
  origins: [],
};

async function build(service: Service, options: TestOptions) {
  const lines: { readonly msg: string }[] = [];
  const metrics = createMetrics();
  const context: RouteContext = {
    service,
    decoder: options.decoder ?? noDecoder,
    metrics,
    memory: new Shares(options.memoryBytes ?? 1 << 26),
    turns: options.turns ?? new Turns(),
    limits: { ...limits, ...options.limits },
    log: pino({ level: 'error' }, { write: (line) => void lines.push(JSON.parse(line) as { msg: string }) }),
  };
  const access = { ...openAccess, ...options.access };
  const app = await createApp({ admission: new Admission(context), access });
  onTestFinished(() => app.close());
  return { app, metrics, lines };
}

export const testApp = async (service: Service, options: TestOptions = {}): Promise<FastifyInstance> =>
  (await build(service, options)).app;

/** The app over real HTTP on a free port, with access to its metrics and log. */
export async function startServer(service: Service, options: TestOptions = {}): Promise<TestServer> {
  const { app, metrics, lines } = await build(service, options);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    log: lines,
    metric: async (name) => {
      const { values } = (await metrics.registry.getSingleMetric(name)?.get()) ?? { values: [] };
      return values.map(({ labels, value }) => ({
        labels: Object.fromEntries(Object.entries(labels).map(([key, label]) => [key, String(label)])),
        value,
      }));
    },
  };
}

/** Only its URL. */
export const testServer = async (service: Service, options: TestOptions = {}): Promise<string> =>
  (await startServer(service, options)).url;
