import { batchThatPays, ServiceTime } from '../../../serve/scheduler/service-time.js';
import { Scheduler } from '../../../serve/scheduler/scheduler.js';
import type { Batch, Candidate, Item } from '../../../serve/scheduler/types.js';
import { noNoise, type Arrival, type Network, type Noise } from './workloads.js';

export interface Setting {
  readonly networks: readonly Network[];
  readonly arrivals: readonly Arrival[];
  readonly workers?: number;
  readonly maxQueue?: number;
  readonly noise?: Noise;
  readonly countFrom?: number;
}

export interface Outcome {
  readonly arrivals: number;
  /** Answers in time, by network. */
  readonly inTime: readonly number[];
  readonly late: number;
  readonly expired: number;
  readonly refused: number;
  /** Sum of the accuracies of answers in time. */
  readonly weighted: number;
}

interface Request extends Item {
  readonly arrived: number;
}

interface Running {
  readonly batch: Batch<Request>;
  readonly begun: number;
  readonly expectedMs: number;
  readonly endsAt: number;
}

/** Discrete-event simulation with the real scheduler and service times; workers only take time. */
class Simulation {
  private now = 0;
  /** Batch times on an idle machine, which the scheduler expects. */
  private readonly calm: readonly ServiceTime[];
  private readonly times: readonly ServiceTime[];
  private readonly scheduler: Scheduler<Request>;
  private readonly running: (Running | null)[];
  private readonly noise: Noise;
  private readonly inTime: number[];
  private late = 0;
  private expired = 0;
  private refused = 0;

  constructor(private readonly setting: Setting) {
    const { networks, workers = 1, maxQueue = 10_000, noise = noNoise } = setting;
    const serviceTimes = (): ServiceTime[] => networks.map(({ times }) => new ServiceTime(times, () => this.now));
    this.calm = serviceTimes();
    this.times = serviceTimes();
    this.scheduler = new Scheduler(candidatesOf(networks, this.times), { workers, maxQueue });
    this.running = Array.from({ length: workers }, () => null);
    this.noise = noise;
    this.inTime = networks.map(() => 0);
  }

  run(): Outcome {
    for (const { at, budgetMs, only } of this.setting.arrivals) {
      this.finishUntil(at);
      this.now = at;
      const request: Request = { arrived: at, deadline: at + budgetMs, only, isGone: () => false };
      if (this.scheduler.offer([request], at, this.startsIn(at)) !== null) this.refused += this.isCounted(at) ? 1 : 0;
      else this.dispatch(at);
    }
    this.finishUntil(Infinity);
    const { inTime, late, expired, refused } = this;
    const arrivals = this.setting.arrivals.filter(({ at }) => this.isCounted(at)).length;
    const weighted = inTime.reduce((sum, count, i) => sum + count * this.setting.networks[i].accuracy, 0);
    return { arrivals, inTime, late, expired, refused, weighted };
  }

  private isCounted(arrived: number): boolean {
    return arrived >= (this.setting.countFrom ?? 0);
  }

  /** As a pool estimates it, from the expected times of running batches. */
  private startsIn(now: number): number {
    const left = this.running.map((each) => (each === null ? 0 : Math.max(0, each.begun + each.expectedMs - now)));
    return Math.min(...left);
  }

  private dispatch(now: number): void {
    for (;;) {
      const idle = this.running.filter((each) => each === null).length;
      if (idle === 0) return;
      const { batch, expired } = this.scheduler.take(now, idle);
      this.expired += expired.filter(({ arrived }) => this.isCounted(arrived)).length;
      if (batch === null) return;
      const { network, items } = batch;
      const endsAt = now + this.calm[network].ms(items.length) * this.noise(now);
      const expectedMs = this.times[network].ms(items.length);
      this.running[this.running.indexOf(null)] = { batch, begun: now, expectedMs, endsAt };
    }
  }

  /** Advances to a time: ends batches and starts others. */
  private finishUntil(time: number): void {
    for (;;) {
      const next = this.running.reduce((a, b) => (a === null || (b !== null && b.endsAt < a.endsAt) ? b : a), null);
      if (next === null || next.endsAt > time) return;
      this.running[this.running.indexOf(next)] = null;
      const { batch, begun, endsAt } = next;
      this.now = endsAt;
      this.times[batch.network].observe(batch.items.length, endsAt - begun);
      for (const { arrived, deadline } of batch.items) {
        const isLate = endsAt > deadline;
        this.scheduler.observe(isLate);
        if (!this.isCounted(arrived)) continue;
        if (isLate) this.late++;
        else this.inTime[batch.network]++;
      }
      this.dispatch(endsAt);
    }
  }
}

/** Share of answers. */
export const lateShare = ({ inTime, late }: Outcome): number =>
  late / Math.max(1, late + inTime.reduce((a, b) => a + b, 0));

export const simulate = (setting: Setting): Outcome => new Simulation(setting).run();

export function candidatesOf(networks: readonly Network[], times: readonly ServiceTime[]): Candidate[] {
  return networks.map(({ accuracy, times: measured }, i) => ({
    accuracy,
    maxBatch: batchThatPays(measured),
    ms: times[i].ms,
  }));
}
