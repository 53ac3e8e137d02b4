import {
  intervalAround,
  normal,
  shareCertainty,
  standardErrorOf,
  type Certainty,
  type Interval,
} from '../../base/certainty.js';
import { isMetric, scoreError, type Details } from '../../base/scores.js';
import type { Values } from '../../search/index.js';
import type { Store, StoredPrecision } from '../../store/index.js';
import { isAccuracy } from '../../experiments/schema/measures.js';
import type { LatencyWarning, ReportTrial } from './data.js';
import type { Estimated } from './rivals.js';
import { metricErrors } from './score-errors.js';
import { LatencyEvidence } from '../../runner/stored/uncertainty.js';

type Split = 'validation' | 'test';

interface Candidate {
  readonly number: number;
  readonly precision: StoredPrecision;
  readonly values: Values;
}

/** What a store says about how sure the values of a run are. Read once, it describes the run as it was then. */
export class RunEvidence {
  readonly latency: LatencyEvidence;
  private readonly images: Readonly<Record<Split, number | null>>;

  /** Whether results by class, label or number are stored. */
  private readonly hasResults: boolean;

  constructor(private store: Store) {
    this.latency = new LatencyEvidence(store.measurements.brief());
    const { classResults } = store;
    this.hasResults = !classResults.isEmpty();
    this.images = { validation: classResults.images('validation'), test: classResults.images('test') };
  }

  /** The same evidence, of candidates that are read from another connection to the store. */
  readFrom(store: Store): this {
    this.store = store;
    return this;
  }

  /** Standard error of the final score of a network; undefined without one, or where it is unknown. */
  errorOf(
    split: Split,
    score: number | null,
    { number, precision }: Pick<Candidate, 'number' | 'precision'>,
  ): number | undefined {
    const images = this.images[split];
    if (score === null) return undefined;
    if (images !== null) return standardErrorOf(score, images);
    const details = this.detailsOf(number, precision, 'final', split);
    return details && scoreError(details);
  }

  private detailsOf(
    number: number,
    precision: StoredPrecision,
    stage: 'search' | 'final',
    split: Split,
  ): Details | undefined {
    if (!this.hasResults) return undefined;
    return this.store.classResults
      .of(number)
      .find((one) => one.precision === precision && one.stage === stage && one.split === split)?.details;
  }

  /** Whether nothing is known about errors: values of a table. */
  get isExact(): boolean {
    return this.latency.measurements.length === 0 && !this.hasResults;
  }

  /** How sure the values of a candidate are; undefined where nothing is known about that. */
  certaintyOf({ number, precision, values }: Candidate): Readonly<Record<string, Certainty>> | undefined {
    const { validation } = this.images;
    let details: Details | null | undefined;
    const known = Object.entries(values).flatMap(([name, value]): [string, Certainty][] => {
      if (name === 'latency_ms') {
        const found = this.ofLatency(number, precision, value);
        return found === undefined ? [] : [[name, found]];
      }
      if (!isAccuracy(name) && !isMetric(name)) return [];
      if (isAccuracy(name) && validation !== null)
        return value >= 0 && value <= 1 ? [[name, shareCertainty(value, validation)]] : [];
      details ??= this.detailsOf(number, precision, 'search', 'validation') ?? null;
      const standardError =
        details === null ? undefined : isMetric(name) ? metricErrors(details)[name] : scoreError(details);
      if (standardError === undefined) return [];
      return [[name, { interval: intervalAround(value, standardError), standardError }]];
    });
    return known.length === 0 ? undefined : Object.fromEntries(known);
  }

  estimated<T extends Candidate>(candidate: T): T & Pick<Estimated, 'certainty'> {
    return { ...candidate, certainty: this.certaintyOf(candidate) };
  }

  /** A latency is a measured or a predicted one; its value says which. */
  private ofLatency(trial: number, precision: StoredPrecision, ms: number): Certainty | undefined {
    const measured = this.latency.of(trial, precision);
    if (measured?.ms === ms) return this.latency.certainty(measured);
    const predicted = this.store.trials.prediction(trial, precision);
    if (predicted?.ms !== ms) return undefined;
    const half = normal * predicted.std;
    const interval: Interval = [Math.max(0, ms - half), ms + half];
    return { interval };
  }
}

/** What a user must know about unreliable latencies of a run; null when all are reliable. */
export const latencyWarning = (
  store: Store,
  workdir: string,
  members: readonly Pick<ReportTrial, 'number' | 'precision'>[],
): LatencyWarning | null => new LatencyEvidence(store.measurements.brief()).warning(workdir, members);
