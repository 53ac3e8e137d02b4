import { judgedPairs, leastPairs } from '../../base/certainty.js';
import { messageOf } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { selectCalibration, validate, type LatencyModel } from '../../latency-models/index.js';
import type { MeasurementRecord, ObjectiveValue, StoredPrecision } from '../../store/index.js';
import { precisionsOf } from '../compress/gates.js';
import { judgedIn } from '../stored/uncertainty.js';
import type { LatencyModels } from '../candidate-networks.js';
import type { TrainingContext, TrainingPlan } from '../plan.js';
import {
  DeviceFailed,
  LatencyMeasurer,
  precisionField,
  type InPrecision,
  type StoredMeasurement,
  type Subject,
} from './measurer.js';
import { LatencyPredictor } from './predictor.js';
import { latencyValue } from './stored-latency.js';

/** Whether a run measures latencies; with `latency.from`, it predicts them. */
export const measuresLatency = ({ sources, experiment }: TrainingPlan): boolean =>
  sources.has('latency') && experiment.latency.from === undefined;

export type TrialLatencies = Readonly<Partial<Record<StoredPrecision, ObjectiveValue>>>;

/** The measurement of a trial: its latencies, and why int8 cannot run where only fp32 can. */
export type TrialMeasured =
  | { readonly latencies: TrialLatencies; readonly int8Failed?: string }
  | { readonly failed: string };

/**
 * Measures latency while nothing trains, stores it, and predicts other latencies from it. With `latency.from`, all latencies are
 * predicted by the model of another run, and nothing is measured.
 */
export class LatencyService {
  /** The precisions in which every network is measured. */
  private readonly precisions: readonly StoredPrecision[];
  private readonly predictors: ReadonlyMap<StoredPrecision, LatencyPredictor>;
  private readonly measurer: LatencyMeasurer;
  private current: LatencyModels | null = null;

  constructor(private readonly context: TrainingContext) {
    this.precisions = precisionsOf(context.plan.experiment.compress);
    this.predictors = new Map(
      this.precisions.map((precision) => [precision, new LatencyPredictor(context, precision)]),
    );
    const { store } = context;
    const stored = store.measurements.all();
    this.measurer = new LatencyMeasurer(context, stored, (measured) => this.learn(measured));
    for (const record of stored) this.learn(record);
  }

  /** Adds a stored measurement to what its precision is predicted from. */
  private learn({ purpose, precision, trial, id, genotypeId, ms }: StoredMeasurement): void {
    if (purpose === 'frontier') return;
    const predictedMs = trial === null ? undefined : this.context.store.trials.prediction(trial, precision)?.ms;
    this.predictors.get(precision)?.add({ id, genotypeId, trial, ms, predictedMs });
  }

  /** Measures a few networks that are informative about all others, unless the run has done so before. */
  async calibrate(): Promise<void> {
    const { plan, store, observe } = this.context;
    const { latency, seed } = plan.experiment;
    if (!measuresLatency(plan) || latency.predictor !== 'auto') return;
    // Few networks of a space have a row; a model is fitted to those instead.
    if (latency.device.type === 'table' && latency.device.missing === 'fail') return;
    if (store.measurements.all().some(({ purpose }) => purpose === 'calibration')) return;
    const how = this.precisions.length > 1 ? ` in ${this.precisions.join(' and ')}` : '';
    const message = `Measuring ${latency.calibration} networks${how} to predict the latency of all others`;
    observe({ kind: 'phase', name: 'calibration', message });
    const genotypes = selectCalibration(plan.space, latency.calibration, new Random(seed, 'calibration'));
    await this.measurer.measure(
      genotypes.flatMap((genotype) =>
        this.inEach({ genotype, candidate: { network: plan.space.build(genotype), seed } }),
      ),
      'calibration',
    );
  }

  /**
   * A latency model for each precision, fitted to the calibration and the known trials; null when nothing is predicted, or
   * a precision has no model: precisions are chosen by the ratio of their latencies. The same object until one changes.
   */
  models(isKnown: (trial: number) => boolean): LatencyModels | null {
    const models: Partial<Record<StoredPrecision, LatencyModel>> = {};
    for (const [precision, predictor] of this.predictors) {
      const model = predictor.model(isKnown);
      if (model === null) return (this.current = null);
      models[precision] = model;
    }
    if (this.precisions.some((precision) => this.current?.[precision] !== models[precision])) this.current = models;
    return this.current;
  }

  /**
   * The latency of a trial in every precision, measured side by side unless it is stored. When the device fails, the trial
   * continues with its predicted latency and the next one is measured again; it fails when the network is at fault or
   * nothing was predicted. A network that cannot run in int8 keeps fp32, where that is measured.
   * Undefined when the user stopped the run.
   */
  async ofTrial(subject: Subject & { readonly trial: number }): Promise<TrialMeasured | undefined> {
    const { observe, stopping } = this.context;
    const { trial } = subject;
    let int8Failed: string | undefined;
    try {
      if (measuresLatency(this.context.plan)) int8Failed = await this.measureTrial(subject);
    } catch (error) {
      if (stopping()) return undefined;
      if (!(error instanceof DeviceFailed)) throw error;
      const failed = `latency: ${messageOf(error)}`;
      if (error.code === 'invalid-input' || this.known(trial) === undefined) return { failed };
      observe({ kind: 'warning', message: `trial ${trial} goes on with its predicted latency: ${messageOf(error)}` });
    }
    const latencies = this.known(trial) ?? {};
    return { latencies, ...(int8Failed !== undefined && { int8Failed }) };
  }

  /** @returns why the network cannot be measured in int8, where it can in fp32. */
  private async measureTrial(subject: Subject & { readonly trial: number }): Promise<string | undefined> {
    const { trial } = subject;
    if (this.wanted(trial).every((precision) => this.measured(trial, precision) !== undefined)) return undefined;
    try {
      await this.measurer.measure(this.inEach(subject), 'trial');
      return undefined;
    } catch (error) {
      const isNetworks = error instanceof DeviceFailed && error.code === 'invalid-input' && !this.context.stopping();
      if (!isNetworks || this.precisions.length === 1) throw error;
      if (this.measured(trial, 'fp32') === undefined)
        await this.measurer.measure([{ ...subject, precision: 'fp32' }], 'trial');
      return messageOf(error);
    }
  }

  /** The precisions in which a trial is measured; int8 that was found unable to run is not tried again. */
  private wanted(trial: number): readonly StoredPrecision[] {
    const isRejected = this.context.store.variants
      .of(trial)
      .some(({ precision, accepted }) => precision === 'int8' && accepted === false);
    return this.precisions.length > 1 && isRejected ? ['fp32'] : this.precisions;
  }

  private inEach(subject: Subject): InPrecision[] {
    return this.precisions.map((precision) => ({ ...subject, precision }));
  }

  /** The measured latencies of a trial, or else the predicted ones; undefined when there is none. */
  known(trial: number): TrialLatencies | undefined {
    const isMeasured = this.precisions.some((precision) => this.measured(trial, precision) !== undefined);
    const found = this.precisions.flatMap((precision): [StoredPrecision, ObjectiveValue][] => {
      const measured = this.measured(trial, precision);
      if (measured !== undefined) return [[precision, latencyValue(measured)]];
      // One precision measured and the other predicted would not be comparable.
      const predicted = isMeasured ? undefined : this.context.store.trials.prediction(trial, precision);
      return predicted === undefined ? [] : [[precision, { value: predicted.ms, provenance: 'predicted' }]];
    });
    return found.length === 0 ? undefined : Object.fromEntries(found);
  }

  private measured(trial: number, precision: StoredPrecision): MeasurementRecord | undefined {
    const measurements = this.context.store.measurements.of(trial);
    return measurements.find((record) => record.purpose === 'trial' && record.precision === precision);
  }

  /** Measures the frontier, which has latencies already; returns false when the device fails, and it keeps them. */
  async measureAgain(subjects: readonly InPrecision[]): Promise<boolean> {
    const { observe, stopping } = this.context;
    try {
      await this.measurer.measure(subjects, 'frontier');
      return true;
    } catch (error) {
      if (stopping()) return false;
      if (!(error instanceof DeviceFailed)) throw error;
      const message = `the frontier could not be measured and keeps the latencies of the search: ${messageOf(error)}`;
      observe({ kind: 'warning', message });
      return false;
    }
  }

  /** Stores and reports how well latency was predicted for the trials, each before it was measured. */
  reportQuality(): void {
    const { plan, store, observe } = this.context;
    const all = judgedIn(store);
    for (const precision of this.precisions) {
      const pairs = judgedPairs(all.filter((pair) => pair.precision === precision));
      if (pairs.length < leastPairs) continue;
      const { count, mape, spearman } = validate(pairs);
      // Ranks that are all equal have no correlation.
      if (!Number.isFinite(spearman)) continue;
      const unreliable = pairs.filter((pair) => pair.unreliable !== undefined).length;
      const quality = { count, unreliable, mape, spearman, ...precisionField(plan, precision) };
      store.events.add({ kind: 'prediction-quality', detail: quality });
      observe({ kind: 'prediction-quality', ...quality });
    }
  }
}
