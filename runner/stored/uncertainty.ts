/**
 * How sure the values of a run are: 95 % intervals of latencies and accuracies.
 * Pages, terminals and reports only show what this module computes.
 */
import { type Certainty, type Interval, normal } from '../../base/certainty.js';
import { mean, sum } from '../../base/statistics.js';
import { mostFrequent, shellWord } from '../../base/text.js';
import type {
  BriefMeasurement,
  MeasurementPurpose,
  PredictedMeasurement,
  Store,
  StoredPrecision,
} from '../../store/index.js';

/** The 97.5 % quantiles of Student's distribution for 1 to 10 degrees of freedom. */
const student = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23] as const;

/** Beyond the table, the first terms of the expansion by Cornish and Fisher. */
const studentOf = (freedom: number): number =>
  student.at(freedom - 1) !== undefined && freedom <= student.length
    ? student[freedom - 1]
    : normal +
      (normal ** 3 + normal) / (4 * freedom) +
      (5 * normal ** 5 + 16 * normal ** 3 + 3 * normal) / (96 * freedom ** 2);

/** Within a session, networks are measured one second apart at most. */
const sessionGap = 1000;

/**
 * The session of each measurement, by its id: networks measured together, counted from 1. A trial is a session of its own,
 * in all of its precisions.
 * @param measurements in the order of their ids
 */
export function sessionsOf(measurements: readonly BriefMeasurement[]): ReadonlyMap<number, number> {
  const sessions = new Map<number, number>();
  let session = 0;
  let before: BriefMeasurement | undefined;
  for (const one of measurements) {
    const isSame =
      before?.purpose === one.purpose &&
      one.takenAt - before.takenAt <= sessionGap &&
      (one.purpose !== 'trial' || before.trial === one.trial);
    if (!isSame) session++;
    sessions.set(one.id, session);
    before = one;
  }
  return sessions;
}

/** Latencies of trials that cannot be trusted. */
export interface LatencyWarning {
  /** Trials with a measured latency, those whose measurement is not reliable, and how many of them are on the frontier. */
  readonly measured: number;
  readonly unreliable: number;
  readonly members: number;
  /** The most frequent reason. */
  readonly reason: string;
  /** Measures the frontier again, side by side, and stores the result. */
  readonly command: string;
}

/** How much sessions differ for the same network. */
export interface SessionSpread {
  /** Standard deviation between sessions, as a share of the latency. */
  readonly share: number;
  /** Networks that were measured in more than one session. */
  readonly networks: number;
  /** Degrees of freedom of the estimate. */
  readonly freedom: number;
}

/** With fewer degrees of freedom, a spread says nothing. */
const leastFreedom = 2;

const errorOf = ({ ms, interval: [low, high] }: Pick<BriefMeasurement, 'ms' | 'interval'>): number =>
  (high - low) / (2 * normal * ms);

/**
 * The spread between sessions, from networks that were measured in more than one: the variance of the logarithms within each
 * network, less the variance that the intervals of single sessions explain. Null with too few repeated measurements.
 */
export function sessionSpread(
  measurements: readonly BriefMeasurement[],
  sessions: ReadonlyMap<number, number>,
): SessionSpread | null {
  const networks = new Map<string, Map<number, BriefMeasurement>>();
  for (const one of measurements) {
    const key = `${one.genotypeId} ${one.precision} ${one.device}`;
    const own = networks.get(key) ?? new Map<number, BriefMeasurement>();
    networks.set(key, own.set(sessions.get(one.id) ?? 0, one));
  }
  let [squares, within, freedom, repeated] = [0, 0, 0, 0];
  for (const own of networks.values()) {
    if (own.size < 2) continue;
    const several = [...own.values()];
    const logs = several.map(({ ms }) => Math.log(ms));
    const average = mean(logs);
    squares += sum(logs.map((log) => (log - average) ** 2));
    within += (sum(several.map((one) => errorOf(one) ** 2)) * (logs.length - 1)) / logs.length;
    freedom += logs.length - 1;
    repeated++;
  }
  if (freedom < leastFreedom) return null;
  return { share: Math.sqrt(Math.max(0, squares - within) / freedom), networks: repeated, freedom };
}

/** The interval of a latency when another session could have measured it. */
export function acrossSessions(
  { ms, interval }: Pick<BriefMeasurement, 'ms' | 'interval'>,
  spread: SessionSpread | null,
): Interval {
  if (spread === null) return interval;
  const half = studentOf(spread.freedom) * spread.share;
  const [below, above] = interval.map((end) => Math.hypot(Math.log(end / ms), half));
  return [ms * Math.exp(-below), ms * Math.exp(above)];
}

/** How a latency was measured. */
const purposes: { readonly [P in MeasurementPurpose]: string } = {
  calibration: 'for the latency model',
  trial: 'alone, in its trial',
  frontier: 'side by side with the frontier',
};

const shareText = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** The measured latencies of a run, and how sure they are. */
export class LatencyEvidence {
  private readonly sessions: ReadonlyMap<number, number>;
  private readonly spreads: { readonly reliable: SessionSpread | null; readonly all: SessionSpread | null };
  /** The measurement that is a candidate's latency: the last one beside the frontier, or else its own first one. */
  private readonly used = new Map<string, BriefMeasurement>();

  /** @param measurements in the order of their ids */
  constructor(readonly measurements: readonly BriefMeasurement[]) {
    this.sessions = sessionsOf(measurements);
    this.spreads = {
      reliable: sessionSpread(
        measurements.filter(({ reliable }) => reliable),
        this.sessions,
      ),
      all: sessionSpread(measurements, this.sessions),
    };
    for (const one of measurements) {
      if (one.trial === null) continue;
      const key = `${one.trial} ${one.precision}`;
      if (one.purpose === 'frontier' || !this.used.has(key)) this.used.set(key, one);
    }
  }

  of(trial: number, precision: BriefMeasurement['precision']): BriefMeasurement | undefined {
    return this.used.get(`${trial} ${precision}`);
  }

  /** The spread that applies to a measurement: of reliable sessions, or of all where it is not reliable itself. */
  private spreadOf({ reliable }: BriefMeasurement): SessionSpread | null {
    return reliable ? this.spreads.reliable : this.spreads.all;
  }

  /** What a user must know about unreliable latencies of trials, and do about them; null when all are reliable. */
  warning(
    workdir: string,
    members: readonly { readonly number: number; readonly precision?: StoredPrecision | null }[],
  ): LatencyWarning | null {
    const measured = [...this.used.values()];
    const unreliable = measured.filter(({ reliable }) => !reliable);
    if (unreliable.length === 0) return null;
    return {
      measured: measured.length,
      unreliable: unreliable.length,
      members: members.filter(({ number, precision }) => this.of(number, precision ?? 'fp32')?.reliable === false)
        .length,
      reason: mostFrequent(unreliable.flatMap(({ reasons }) => reasons))?.text ?? 'the device did not say why',
      command: `nas latency measure ${shellWord(workdir)} --frontier`,
    };
  }

  certainty(one: BriefMeasurement): Certainty {
    return {
      interval: acrossSessions(one, this.spreadOf(one)),
      session: { id: this.sessions.get(one.id) ?? 0, interval: one.interval },
      ...(one.reliable ? {} : { unreliable: one.reasons.join('; ') || 'the device did not say why' }),
    };
  }

  /** One sentence about the session of a measurement, and one about the spread between sessions. */
  explanation(one: BriefMeasurement): string {
    const session = this.sessions.get(one.id) ?? 0;
    const networks = this.measurements.filter(({ id }) => this.sessions.get(id) === session).length;
    const spread = this.spreadOf(one);
    const how = `Measured in session ${session}, ${purposes[one.purpose]}${networks > 1 ? ` (${networks} measurements)` : ''}.`;
    const kind = one.reliable ? 'reliable ' : '';
    return spread === null
      ? `${how} Too few networks were measured in several ${kind}sessions: the interval is of this session only.`
      : `${how} ${one.reliable ? 'Reliable sessions' : 'Sessions'} of this run differ by ±${shareText(spread.share)} for the same network (${spread.networks} measured repeatedly); the interval includes it.`;
  }
}

/** A prediction, and the latency that the trial has now. */
export interface Judged extends PredictedMeasurement {
  readonly unreliable?: string;
}

/** Predictions that were measured later, each with the latency that its trial has now. */
export function judgedIn(store: Store): Judged[] {
  const evidence = new LatencyEvidence(store.measurements.brief());
  return store.measurements.predicted().map((one) => {
    const used = evidence.of(one.trial, one.precision);
    if (used === undefined) return one;
    const { unreliable } = evidence.certainty(used);
    return { ...one, measured: used.ms, ...(unreliable !== undefined && { unreliable }) };
  });
}

/** Standard error of the mean of absolute percentage errors. */
export function errorOfMape(pairs: readonly { readonly predicted: number; readonly measured: number }[]): number {
  const errors = pairs.map(({ predicted, measured }) => 100 * Math.abs(predicted / measured - 1));
  const average = mean(errors);
  const variance = sum(errors.map((error) => (error - average) ** 2)) / Math.max(1, errors.length - 1);
  return Math.sqrt(variance / errors.length);
}
