import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { BatchDone } from '../inference/pool.js';

export interface Metrics {
  readonly registry: Registry;
  readonly onBatch: (batch: BatchDone) => void;
  /** @param status HTTP status; 499: the client disconnected before the answer */
  readonly onRequest: (route: string, status: number, seconds: number) => void;
}

/** Histogram buckets in seconds: from networks of microseconds to budgets of seconds. */
const buckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128];

function memo<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) made.set(key, (value = make(key)));
    return value;
  };
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'nas_requests_total',
    help: 'Requests by route and status; 499: the client disconnected before the answer',
    labelNames: ['route', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'nas_request_seconds',
    help: 'Time from the headers of a request to the end of its answer',
    labelNames: ['route'],
    buckets,
    registers,
  });
  const network = { labelNames: ['network'], registers } as const;
  const batches = new Counter({ name: 'nas_batches_total', help: 'Batches computed', ...network });
  const answers = new Counter({ name: 'nas_answers_total', help: 'Images answered', ...network });
  const late = new Counter({
    name: 'nas_late_answers_total',
    help: 'Images answered after their deadlines',
    ...network,
  });
  const batchSeconds = new Histogram({ name: 'nas_batch_seconds', help: 'Time of a batch', buckets, ...network });
  const batchSize = new Histogram({
    name: 'nas_batch_size',
    help: 'Images in a batch',
    buckets: batchSizes,
    registers,
  });
  // Labels are resolved once: resolving them for each request shows in a profile.
  const ofRoute = memo((route: string) => ({
    seconds: seconds.labels(route),
    byStatus: memo((status: number) => requests.labels(route, String(status))),
  }));
  const ofNetwork = memo((name: string) => ({
    batches: batches.labels(name),
    answers: answers.labels(name),
    late: late.labels(name),
    seconds: batchSeconds.labels(name),
  }));
  return {
    registry,
    onBatch: ({ model, size, ms, late: lateAnswers }) => {
      const counted = ofNetwork(model.name);
      counted.batches.inc();
      counted.answers.inc(size);
      counted.late.inc(lateAnswers);
      counted.seconds.observe(ms / 1000);
      batchSize.observe(size);
    },
    onRequest: (route, status, took) => {
      const counted = ofRoute(route);
      counted.byStatus(status).inc();
      counted.seconds.observe(took);
    },
  };
}

type Levels = Readonly<Record<string, { readonly help: string; readonly read: () => number }>>;

export function addLevels({ registry }: Metrics, levels: Levels): void {
  for (const [name, { help, read }] of Object.entries(levels))
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
}
