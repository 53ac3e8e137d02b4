import { messageOf } from '../../../base/errors.js';
import { Random } from '../../../base/random.js';
import { selectCalibration, validate, type LatencyModel } from '../../../latency-models/index.js';
import type { MeasurementPurpose, MeasurementRecord, ObjectiveValue, StoredPrecision } from '../../../store/index.js';
import { precisionsOf } from '../../compress/index.js';
import type { TrainingContext } from '../plan.js';
import type { LatencyModels } from '../candidate-networks.js';
import { DeviceFailed, latencyValue, Measuring, saidIn, type Subject } from './measurer.js';
import { LatencyPredictor } from './predictor.js';

/** The latencies of a trial's network, by precision. */
export type TrialLatencies = Readonly<Partial<Record<StoredPrecision, ObjectiveValue>>>;

/** What came of measuring a trial: latencies, of one precision alone where the other cannot run, and why that cannot. */
export type TrialMeasured =
  { readonly latencies: TrialLatencies; readonly int8Failed?: string } | { readonly failed: string };

/** Measures latency while nothing trains, keeps what was measured, and predicts the rest from it. */
export class LatencyService {
  /** What every network is measured in. */
  private readonly precisions: readonly StoredPrecision[];
  private readonly predictors: ReadonlyMap<StoredPrecision, LatencyPredictor>;
  private readonly measuring: Measuring;

  constructor(private readonly context: TrainingContext) {
    this.measuring = new Measuring(context);
    this.precisions = precisionsOf(context.plan.experiment.compress);
    this.predictors = new Map(
      this.precisions.map((precision) => [precision, new LatencyPredictor(context, precision)]),
    );
  }

  /** Measures a few networks, chosen to tell most about all others, unless an earlier run of this workdir did. */
  async calibrate(): Promise<void> {
    const { plan, store, observe } = this.context;
    const { latency, seed } = plan.experiment;
    if (!plan.sources.has('latency') || latency.predictor !== 'auto') return;
    // Few networks of a space have a row; a model comes from those that do.
    if (latency.device.type === 'table' && latency.device.missing === 'fail') return;
    if (store.measurements.all().some(({ purpose }) => purpose === 'calibration')) return;
    const how = this.precisions.length > 1 ? ` in ${this.precisions.join(' and ')}` : '';
    const message = `Measuring ${latency.calibration} networks${how} to predict the latency of all others`;
    observe({ kind: 'phase', name: 'calibration', message });
    const genotypes = selectCalibration(plan.space, latency.calibration, new Random(seed, 'calibration'));
    await this.measuring.measure(
      genotypes.flatMap((genotype) =>
        this.inEach({ genotype, candidate: { network: plan.space.build(genotype), seed } }),
      ),
      'calibration',
    );
  }

  /**
   * What latency is predicted by, knowing the calibration and those trials that may be known: a model for each precision,
   * as precisions are chosen by their ratio; null: nothing is predicted.
   */
  models(isKnown: (trial: number) => boolean): LatencyModels | null {
    const models: Partial<Record<StoredPrecision, LatencyModel>> = {};
    for (const [precision, predictor] of this.predictors) {
      const model = predictor.model(isKnown);
      if (model === null) return null;
      models[precision] = model;
    }
    return models;
  }

  /**
   * The latency of a trial in every precision, measured side by side now unless it is known. When the device fails, the
   * run goes on: with what was predicted for the trial (the next one is measured again), or without the trial when the
   * network is at fault or nothing was predicted. A network that cannot run in int8 keeps fp32, where that is measured.
   * Undefined when the user stopped the run.
   */
  async ofTrial(subject: Subject & { readonly trial: number }): Promise<TrialMeasured | undefined> {
    const { observe, stopping } = this.context;
    const { trial } = subject;
    let int8Failed: string | undefined;
    try {
      int8Failed = await this.measureTrial(subject);
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
    const wanted = this.inQuestion(trial);
    if (wanted.every((precision) => this.taken(trial, precision) !== undefined)) return undefined;
    try {
      await this.measuring.measure(this.inEach(subject), 'trial');
      return undefined;
    } catch (error) {
      const own = error instanceof DeviceFailed && error.code === 'invalid-input' && !this.context.stopping();
      if (!own || this.precisions.length === 1) throw error;
      if (this.taken(trial, 'fp32') === undefined)
        await this.measuring.measure([{ ...subject, precision: 'fp32' }], 'trial');
      return messageOf(error);
    }
  }

  /** The precisions that a trial is measured in; one that was found unable to run is not tried again. */
  private inQuestion(trial: number): readonly StoredPrecision[] {
    const rejected = this.context.store.variants
      .of(trial)
      .some(({ precision, accepted }) => precision === 'int8' && accepted === false);
    return this.precisions.length > 1 && rejected ? ['fp32'] : this.precisions;
  }

  private inEach(subject: Subject): Subject[] {
    return this.precisions.map((precision) => ({ ...subject, precision }));
  }

  /** The latencies of a trial as they were measured, or else predicted; undefined when there is none. */
  known(trial: number): TrialLatencies | undefined {
    const found = this.precisions.flatMap((precision): [StoredPrecision, ObjectiveValue][] => {
      const taken = this.taken(trial, precision);
      if (taken !== undefined) return [[precision, latencyValue(taken)]];
      // What was measured is not set against what was predicted.
      if (this.precisions.some((other) => this.taken(trial, other) !== undefined)) return [];
      const predicted = this.context.store.trials.prediction(trial, precision);
      return predicted === undefined ? [] : [[precision, { value: predicted.ms, provenance: 'predicted' }]];
    });
    return found.length === 0 ? undefined : Object.fromEntries(found);
  }

  private taken(trial: number, precision: StoredPrecision): MeasurementRecord | undefined {
    const measurements = this.context.store.measurements.of(trial);
    return measurements.find((record) => record.purpose === 'trial' && record.precision === precision);
  }

  /** Measures networks that have a latency already; when the device fails, they keep it, and false is returned. */
  async measureAgain(subjects: readonly Subject[], purpose: MeasurementPurpose): Promise<boolean> {
    const { observe, stopping } = this.context;
    try {
      await this.measuring.measure(subjects, purpose);
      return true;
    } catch (error) {
      if (stopping()) return false;
      if (!(error instanceof DeviceFailed)) throw error;
      const message = `the ${purpose} could not be measured and keeps the latencies of the search: ${messageOf(error)}`;
      observe({ kind: 'warning', message });
      return false;
    }
  }

  /** Tells how well latency was predicted for the trials, each before it was measured. */
  reportQuality(): void {
    const { store, observe } = this.context;
    for (const precision of this.precisions) {
      const pairs = store.measurements.all().flatMap(({ purpose, trial, ms, precision: measuredIn }) => {
        if (purpose !== 'trial' || trial === null || measuredIn !== precision) return [];
        const predicted = store.trials.prediction(trial, precision);
        return predicted === undefined ? [] : [{ predicted: predicted.ms, measured: ms }];
      });
      if (pairs.length < 3) continue;
      const { count, mape, spearman } = validate(pairs);
      // Ranks that are all equal have no correlation.
      if (!Number.isFinite(spearman)) continue;
      const quality = { count, mape, spearman, ...saidIn(this.context.plan, precision) };
      store.events.add({ kind: 'prediction-quality', detail: quality });
      observe({ kind: 'prediction-quality', ...quality });
    }
  }
}
