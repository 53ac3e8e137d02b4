import type { Certainty, Interval } from '../../base/certainty.js';
import type { Values } from '../../search/index.js';
import type { Store, StoredPrecision } from '../../store/index.js';
import { isAccuracy } from '../schema/measures.js';
import type { LatencyDoubts, ReportTrial } from './data.js';
import type { Estimated } from './rivals.js';
import { LatencyEvidence, normal, shareCertainty, standardErrorOf } from './uncertainty.js';

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

  constructor(private readonly store: Store) {
    this.latency = new LatencyEvidence(store.measurements.brief());
    const { classResults } = store;
    this.images = { validation: classResults.images('validation'), test: classResults.images('test') };
  }

  /** Standard error of an accuracy; undefined without one, or where the number of images is unknown. */
  errorOf(split: Split, accuracy: number | null): number | undefined {
    const images = this.images[split];
    return accuracy === null || images === null ? undefined : standardErrorOf(accuracy, images);
  }

  /** Whether nothing is known about errors: values of a table. */
  get isExact(): boolean {
    return this.latency.measurements.length === 0 && this.images.validation === null;
  }

  /** How sure the values of a candidate are; undefined where nothing is known about that. */
  certaintyOf({ number, precision, values }: Candidate): Readonly<Record<string, Certainty>> | undefined {
    const { validation } = this.images;
    const known = Object.entries(values).flatMap(([name, value]): [string, Certainty][] => {
      if (name === 'latency_ms') {
        const found = this.ofLatency(number, precision, value);
        return found === undefined ? [] : [[name, found]];
      }
      const isShare = isAccuracy(name) && value >= 0 && value <= 1;
      return isShare && validation !== null ? [[name, shareCertainty(value, validation)]] : [];
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
export const latencyDoubts = (
  store: Store,
  workdir: string,
  members: readonly Pick<ReportTrial, 'number' | 'precision'>[],
): LatencyDoubts | null => new LatencyEvidence(store.measurements.brief()).doubts(workdir, members);
