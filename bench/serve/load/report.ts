import { quantile } from '../../../base/statistics.js';
import { ascending } from '../../../latency-models/statistics.js';
import type { Outcome } from './connection.js';

/**
 * `good`: status 200 within the budget; `late`: status 200 after it; `refused`: 503; `expired`: 504; `failed`: any other
 * status; `broken`: the connection closed before the response; `unreached`: no connection; `unanswered`: no response before
 * the generator gave up.
 */
export const fates = ['good', 'late', 'refused', 'expired', 'failed', 'broken', 'unreached', 'unanswered'] as const;
export type Fate = (typeof fates)[number];

export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Outcomes of a load. */
export interface LoadReport {
  /** Duration of the load. */
  readonly seconds: number;
  readonly counts: Readonly<Record<Fate, number>>;
  /** Network → good responses, for responses that name their network. */
  readonly networks: Readonly<Record<string, number>>;
  /** Latency of responses with status 200, in ms since their requests were due; null if there are none. */
  readonly ms: Spread | null;
  /** Delay of the generator itself in ms, for requests with an idle connection; null if there are none. */
  readonly lagMs: Spread | null;
}

const statusFates: Readonly<Record<number, Fate>> = { 503: 'refused', 504: 'expired' };

function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = ascending(values);
  const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((q) => quantile(sorted, q));
  return { p50, p95, p99, max };
}

/** The network named in a response. */
const networkOf = (body: Buffer): string | undefined => /"network": ?"([^"]+)"/.exec(body.toString('latin1'))?.[1];

/** Collects the outcomes of requests. */
export class Tally {
  private readonly counts = Object.fromEntries(fates.map((fate) => [fate, 0])) as Record<Fate, number>;
  private readonly networks: Record<string, number> = {};
  private readonly ms: number[] = [];
  private readonly lags: number[] = [];

  constructor(private readonly budgetMs: number) {}

  /** @param ms time since the request was due. */
  outcome(outcome: Outcome | 'unanswered', ms: number): void {
    const fate = this.fateOf(outcome, ms);
    this.counts[fate]++;
    if (typeof outcome === 'string' || outcome.status !== 200) return;
    this.ms.push(ms);
    if (fate !== 'good') return;
    const network = networkOf(outcome.body);
    if (network !== undefined) this.networks[network] = (this.networks[network] ?? 0) + 1;
  }

  /** Records that the generator sent a request `ms` late although a connection was idle. */
  lag(ms: number): void {
    this.lags.push(ms);
  }

  report(seconds: number): LoadReport {
    const { counts, networks } = this;
    return { seconds, counts, networks, ms: spread(this.ms), lagMs: spread(this.lags) };
  }

  private fateOf(outcome: Outcome | 'unanswered', ms: number): Fate {
    if (typeof outcome === 'string') return outcome;
    if (outcome.status === 200) return ms <= this.budgetMs ? 'good' : 'late';
    return statusFates[outcome.status] ?? 'failed';
  }
}
