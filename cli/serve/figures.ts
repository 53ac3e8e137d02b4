/** The status line of a server, computed from its Prometheus metrics. */
import type { Registry } from 'prom-client';
import { sum } from '../../base/statistics.js';
import { ms, percent } from '../../base/number-text.js';
import { imageTasks } from '../../serve/http/images/tasks.js';

export interface Counts {
  readonly requests: ReadonlyMap<string, number>;
  /** Cumulative histogram: requests of at most so many seconds. */
  readonly within: ReadonlyMap<number, number>;
  readonly answers: ReadonlyMap<string, number>;
  readonly late: number;
  readonly depth: number;
}

const paths = new Set(Object.values(imageTasks).map(({ path }) => path));

/** Whether a route answers images; health probes and scrapes are not counted. */
const answersImages = (route: unknown): boolean => paths.has(String(route)) || String(route).endsWith('/infer');

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly metricName?: string;
}

function sums<K>(samples: readonly Sample[], key: (labels: Sample['labels']) => K): Map<K, number> {
  const result = new Map<K, number>();
  for (const { value, labels } of samples) result.set(key(labels), (result.get(key(labels)) ?? 0) + value);
  return result;
}

export async function countsOf(registry: Registry): Promise<Counts> {
  const metrics = await registry.getMetricsAsJSON();
  const samples = (name: string): readonly Sample[] => metrics.find((metric) => metric.name === name)?.values ?? [];
  const work = (name: string): readonly Sample[] =>
    samples(name).filter(({ labels }) => answersImages(labels['route']));
  const buckets = work('nas_request_seconds').filter(({ metricName }) => metricName?.endsWith('_bucket') === true);
  return {
    requests: sums(work('nas_requests_total'), ({ status }) => String(status)),
    within: sums(buckets, ({ le }) => (le === '+Inf' ? Infinity : Number(le))),
    answers: sums(samples('nas_answers_total'), ({ network }) => String(network)),
    late: sum(samples('nas_late_answers_total').map(({ value }) => value)),
    depth: sum(samples('nas_queue_depth').map(({ value }) => value)),
  };
}

function differences<K>(after: ReadonlyMap<K, number>, before: ReadonlyMap<K, number>): Map<K, number> {
  return new Map([...after].map(([key, value]) => [key, value - (before.get(key) ?? 0)]));
}

/** Quantile of the request times in ms, interpolated within a bucket; null without requests. */
function quantile(within: ReadonlyMap<number, number>, share: number): number | null {
  const bounds = [...within].sort(([a], [b]) => a - b);
  const wanted = share * (bounds.at(-1)?.[1] ?? 0);
  if (wanted === 0) return null;
  let [low, below] = [0, 0];
  for (const [bound, count] of bounds) {
    // The last bucket has no upper bound.
    if (count >= wanted)
      return 1000 * (bound === Infinity ? low : low + ((bound - low) * (wanted - below)) / (count - below));
    [low, below] = [bound, count];
  }
  return null;
}

/** Statuses of overload. */
const refusals: readonly string[] = ['503', '504'];

/** The status line for the time between two snapshots. */
export function figuresLine(before: Counts, after: Counts, seconds: number): string {
  const requests = differences(after.requests, before.requests);
  const within = differences(after.within, before.within);
  const answers = differences(after.answers, before.answers);
  const answered = sum(answers.values());
  const perSecond = (count: number): string => {
    const rate = count / seconds;
    return rate > 0 && rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en-US');
  };
  const refused = sum(refusals.map((status) => requests.get(status) ?? 0));
  const quantiles = (['p50', 'p99'] as const).flatMap((name) => {
    const took = quantile(within, Number(name.slice(1)) / 100);
    return took === null ? [] : [`${name} ${ms(took)}`];
  });
  const shares = [...answers]
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([network, count]) => `${network} ${Math.round((100 * count) / answered)} %`);
  return [
    `${perSecond(sum(requests.values()))} requests/s`,
    ...(answered === 0 ? [] : [`${percent(1 - (after.late - before.late) / answered)} in time`]),
    ...quantiles,
    `${after.depth} waiting`,
    ...(refused === 0 ? [] : [`${perSecond(refused)} refused/s`]),
    ...shares,
  ].join(', ');
}
