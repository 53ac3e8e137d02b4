import {
  adaptModel,
  fittedTrials,
  type AdaptedModel,
  type LatencyModel,
  type MeasuredTrial,
} from '../../latency-models/index.js';
import { genotypeOfId } from '../../spaces/index.js';
import type { MeasurementRecord, StoredPrecision } from '../../store/index.js';
import type { TrainingContext } from '../plan.js';
import { givenModel } from './given-model.js';

/** A measured network that a model may be fitted to. */
export interface Evidence extends Pick<MeasurementRecord, 'id' | 'genotypeId' | 'ms'> {
  /** Null: a network of the calibration. */
  readonly trial: number | null;
  /** Its latency as predicted when the trial was asked. */
  readonly predictedMs?: number | undefined;
}

/** Predicts latency from a run's measurements, and reports when its model is corrected or dropped. */
export class LatencyPredictor {
  private readonly calibration: Evidence[] = [];
  /** Of trials, by their numbers. */
  private readonly measured: (Evidence & { readonly trial: number })[] = [];
  private fitted: { readonly to: readonly Evidence[]; readonly adapted: AdaptedModel | null } | undefined;
  private reported: AdaptedModel['state'] = 'sound';
  /** A model that was fitted elsewhere. */
  private readonly given: LatencyModel | undefined;

  /**
   * @param precision of the networks that it predicts
   * @throws NasError `invalid-input` when the experiment names a file or a run without a model of this precision.
   */
  constructor(
    private readonly context: TrainingContext,
    private readonly precision: StoredPrecision,
  ) {
    this.given = givenModel(context.plan, precision);
  }

  /** Adds a measurement of a trial or of the calibration, in the order in which they were stored. */
  add(evidence: Evidence): void {
    const { trial } = evidence;
    if (trial === null) this.calibration.push(evidence);
    else {
      const after = this.measured.findLastIndex((other) => other.trial <= trial);
      this.measured.splice(after + 1, 0, { ...evidence, trial });
    }
  }

  /**
   * The model fitted to the calibration and the known trials; null when nothing is predicted. It is fitted again only at
   * the counts of trials of `fittedTrials`, and is the same object until then. It is a function of the stored measurements,
   * so that a resumed run predicts the same as an uninterrupted one.
   */
  model(isKnown: (trial: number) => boolean): LatencyModel | null {
    const { plan } = this.context;
    if (!plan.sources.has('latency') || plan.experiment.latency.predictor === 'none') return null;
    const known = this.measured.filter(({ trial }) => isKnown(trial));
    const trials = known.slice(0, fittedTrials(known));
    const to = [...this.calibration, ...trials];
    const before = this.fitted?.to;
    if (before?.length !== to.length || before.some(({ id }, i) => id !== to[i].id)) {
      const observations = (all: readonly Evidence[]) => all.map((one) => this.observation(one));
      const adapted = adaptModel(observations(this.calibration), observations(trials), this.given);
      this.fitted = { to, adapted };
      if (adapted !== null) this.report(adapted);
    }
    return this.fitted?.adapted?.model ?? null;
  }

  private observation({ genotypeId, ms, predictedMs }: Evidence): MeasuredTrial {
    return { network: this.context.candidates.network(genotypeOfId(genotypeId)), ms, predictedMs };
  }

  private report(adapted: AdaptedModel): void {
    if (adapted.state === this.reported) return;
    this.reported = adapted.state;
    const { store, observe } = this.context;
    const message = messageOn(adapted, this.name);
    const kind = adapted.state === 'dropped' ? 'warning' : 'note';
    store.events.add({ kind, detail: { message } });
    observe({ kind, message });
  }

  /** With its precision in runs of several. */
  private get name(): string {
    const { int8 } = this.context.plan.experiment.compress;
    return int8 === 'off' ? 'latency predictor' : `latency predictor of ${this.precision}`;
  }
}

function messageOn(adapted: AdaptedModel, name: string): string {
  switch (adapted.state) {
    case 'sound':
      return `The ${name} agrees with the measurements again`;
    case 'corrected': {
      const percent = Math.abs(100 * (adapted.factor - 1)).toFixed(0);
      const how = adapted.factor > 1 ? 'slower' : 'faster';
      return `The ${name} is corrected: trials are ${percent} % ${how} than what it was fitted to`;
    }
    case 'dropped':
      return `The ${name} is dropped: its last ${adapted.count} predictions were off by ${adapted.mape.toFixed(0)} %; candidates are measured only`;
  }
}
