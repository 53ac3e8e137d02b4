import { messageOf, NasError } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import { Random } from '../../../base/random.js';
import {
  asMeasuredBy,
  defaultProtocol,
  selectCalibration,
  validate,
  type DeviceConfig,
  type Environment,
  type LatencyModel,
} from '../../../latency-models/index.js';
import { choicesOf, genotypeId, type Genotype } from '../../../spaces/index.js';
import type { MeasurementPurpose, MeasurementRecord, ObjectiveValue, StoredPrecision } from '../../../store/index.js';
import { precisionsOf } from '../../compress/index.js';
import type { LatencyModels } from '../candidate-networks.js';
import { JobFailed, type Sharing } from '../jobs/job-runner.js';
import type { SeededNetwork } from '../jobs/jobs.js';
import type { TrainingContext, TrainingPlan } from '../plan.js';
import { LatencyPredictor } from './predictor.js';
import { environmentDifferences, latencyValue, OtherEnvironment, storedLayers, toStored } from './stored-latency.js';

export type TrialLatencies = Readonly<Partial<Record<StoredPrecision, ObjectiveValue>>>;

/** The measurement of a trial: its latencies, and why int8 cannot run where only fp32 can. */
export type TrialMeasured =
  { readonly latencies: TrialLatencies; readonly int8Failed?: string } | { readonly failed: string };

/** Measures latency while nothing trains, stores it, and predicts other latencies from it. */
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
  private learn({ purpose, precision, trial, id, genotypeId, ms, environment }: StoredMeasurement): void {
    if (purpose === 'frontier') return;
    const predictedMs = trial === null ? undefined : this.context.store.trials.prediction(trial, precision)?.ms;
    const layers = storedLayers({ environment });
    this.predictors.get(precision)?.add({ id, genotypeId, trial, ms, layers, predictedMs });
  }

  /** Measures a few networks that are informative about all others, unless the run has done so before. */
  async calibrate(): Promise<void> {
    const { plan, store, observe } = this.context;
    const { latency, seed } = plan.experiment;
    if (!plan.sources.has('latency') || latency.predictor !== 'auto') return;
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

  private inEach(subject: Subject): Subject[] {
    return this.precisions.map((precision) => ({ ...subject, precision }));
  }

  /** The measured latencies of a trial, or else the predicted ones; undefined when there is none. */
  known(trial: number): TrialLatencies | undefined {
    const isMeasured = this.precisions.some((precision) => this.measured(trial, precision) !== undefined);
    const found = this.precisions.flatMap((precision): [StoredPrecision, ObjectiveValue][] => {
      const measured = this.measured(trial, precision);
      if (measured !== undefined) return [[precision, latencyValue(measured)]];
      // Measured and predicted latencies are not compared.
      const predicted = isMeasured ? undefined : this.context.store.trials.prediction(trial, precision);
      return predicted === undefined ? [] : [[precision, { value: predicted.ms, provenance: 'predicted' }]];
    });
    return found.length === 0 ? undefined : Object.fromEntries(found);
  }

  private measured(trial: number, precision: StoredPrecision): MeasurementRecord | undefined {
    const measurements = this.context.store.measurements.of(trial);
    return measurements.find((record) => record.purpose === 'trial' && record.precision === precision);
  }

  /** Measures networks that have a latency already; returns false when the device fails, and they keep it. */
  async measureAgain(subjects: readonly Subject[], purpose: MeasurementPurpose): Promise<boolean> {
    const { observe, stopping } = this.context;
    try {
      await this.measurer.measure(subjects, purpose);
      return true;
    } catch (error) {
      if (stopping()) return false;
      if (!(error instanceof DeviceFailed)) throw error;
      const message = `the ${purpose} could not be measured and keeps the latencies of the search: ${messageOf(error)}`;
      observe({ kind: 'warning', message });
      return false;
    }
  }

  /** Stores and reports how well latency was predicted for the trials, each before it was measured. */
  reportQuality(): void {
    const { plan, store, observe } = this.context;
    const all = store.measurements.predicted();
    for (const precision of this.precisions) {
      const pairs = all.filter((pair) => pair.precision === precision);
      if (pairs.length < 3) continue;
      const { count, mape, spearman } = validate(pairs);
      // Ranks that are all equal have no correlation.
      if (!Number.isFinite(spearman)) continue;
      const quality = { count, mape, spearman, ...precisionField(plan, precision) };
      store.events.add({ kind: 'prediction-quality', detail: quality });
      observe({ kind: 'prediction-quality', ...quality });
    }
  }
}

export interface Subject {
  readonly genotype: Genotype;
  readonly candidate: SeededNetwork;
  readonly trial?: number;
  /** Default: fp32. */
  readonly precision?: StoredPrecision;
}

/** A measurement failed: the device is at fault, or (`invalid-input`) the network. */
class DeviceFailed extends NasError {
  constructor({ code, message, hint }: NasError) {
    super(code, message, hint === undefined ? {} : { hint });
  }
}

/** What the loop uses of a stored measurement. */
type StoredMeasurement = Pick<
  MeasurementRecord,
  'id' | 'genotypeId' | 'purpose' | 'precision' | 'trial' | 'ms' | 'environment'
>;

/** Has networks measured while nothing trains, and stores the latencies. */
class LatencyMeasurer {
  /** The environment of the latest measurement in each precision. */
  private readonly environments: Map<StoredPrecision, unknown>;
  private readonly counts = new Map<MeasurementPurpose, number>();
  /** The run, as ids of measurements name it. */
  private readonly run: readonly [name: string, createdAt: number];

  /**
   * @param before the measurements that are stored.
   * @param learn receives each further one.
   */
  constructor(
    private readonly context: TrainingContext,
    before: readonly MeasurementRecord[],
    private readonly learn: (measured: StoredMeasurement) => void,
  ) {
    const { name, createdAt } = context.store.run.get();
    this.run = [name, createdAt];
    this.environments = new Map(before.map(({ precision, environment }) => [precision, environment]));
    for (const { purpose } of before) this.count(purpose);
  }

  private count(purpose: MeasurementPurpose): void {
    this.counts.set(purpose, (this.counts.get(purpose) ?? 0) + 1);
  }

  /** Measures networks side by side, so that changes over time affect all alike. */
  async measure(subjects: readonly Subject[], purpose: MeasurementPurpose): Promise<void> {
    const { plan, jobs, store, observe } = this.context;
    const { device } = plan.experiment.latency;
    const { decisions } = plan.space;
    const id = this.measurementId(subjects, purpose);
    const job = {
      kind: 'measure',
      candidates: subjects.map(({ candidate, genotype, precision = 'fp32' }) => ({
        ...candidate,
        choices: choicesOf(decisions, genotype),
        precision,
      })),
      space: { config: plan.experiment.space, task: plan.task },
      device,
      protocol: defaultProtocol,
      id,
      profile: purpose === 'calibration',
    } as const;
    let host: string | undefined;
    const submitted = jobs.submit(
      { id, job, sharing: sharingOf(device) },
      {
        started: (worker) => (host = worker.host),
        event: (event) => {
          if (event.kind === 'count' && purpose !== 'trial')
            observe({ kind: 'progress', phase: purpose, done: event.done, total: event.total, unit: event.what });
        },
      },
    );
    const answers = await submitted.result.catch((error: unknown) => {
      if (error instanceof JobFailed || (error instanceof NasError && error.code === 'invalid-input'))
        throw new DeviceFailed(error);
      throw error;
    });
    const measured = device.type === 'worker' ? answers.map((one) => asMeasuredBy(device, one, host)) : answers;
    for (const [i, { precision = 'fp32' }] of subjects.entries())
      if (subjects.findIndex((other) => (other.precision ?? 'fp32') === precision) === i)
        this.compare(measured[i].environment, precision);
    const stored = store.transaction(() =>
      subjects.map(({ genotype, candidate: { network }, trial, precision = 'fp32' }, i) => {
        const record = { ...toStored(measured[i]), genotypeId: genotypeId(genotype), purpose, precision };
        const id = store.measurements.add({ ...record, network, ...(trial === undefined ? {} : { trial }) });
        return { ...record, id, trial: trial ?? null };
      }),
    );
    for (const record of stored) {
      this.count(purpose);
      this.learn(record);
    }
    for (const [i, { trial, precision = 'fp32' }] of subjects.entries()) {
      const predictedMs = trial === undefined ? undefined : store.trials.prediction(trial, precision)?.ms;
      const { ms, interval, converged } = measured[i];
      observe({
        kind: 'measured',
        purpose,
        ms,
        interval,
        converged,
        ...precisionField(plan, precision),
        ...(trial === undefined ? {} : { number: trial }),
        ...(predictedMs === undefined ? {} : { predictedMs }),
      });
    }
  }

  /**
   * @throws OtherEnvironment when the run's latest latency in the same precision was measured in another environment, and
   *   the user does not accept that.
   */
  private compare(now: Environment, precision: StoredPrecision): void {
    const { plan, store, observe } = this.context;
    // Written by this class.
    const before = (this.environments.get(precision) ?? now) as Environment;
    const differences = environmentDifferences(before, now);
    const { device } = plan.experiment.latency;
    if (differences !== '' && !plan.acceptEnvironment)
      throw new OtherEnvironment(differences, device.type === 'worker' ? device.tag : undefined);
    this.environments.set(precision, differences === '' ? before : now);
    if (differences === '') return;
    const message = `from now on, latency is measured in another environment: ${differences}`;
    store.events.add({ kind: 'warning', detail: { message } });
    observe({ kind: 'warning', message });
  }

  /** The same for the same measurement of this run, also after it was killed and resumed. */
  private measurementId(subjects: readonly Subject[], purpose: MeasurementPurpose): string {
    const { compress } = this.context.plan.experiment;
    const trials = subjects.map(({ genotype, trial, precision = 'fp32' }) => {
      const network = [genotypeId(genotype), trial ?? null];
      return compress.int8 === 'off' ? network : [...network, precision];
    });
    const rounds = purpose === 'trial' ? 0 : (this.counts.get(purpose) ?? 0);
    return `${purpose}-${contentHash(...this.run, trials, rounds).slice(0, 32)}`;
  }
}

const sharings: { readonly [T in DeviceConfig['type']]: Sharing } = {
  local: 'exclusive',
  browser: 'exclusive',
  agent: 'elsewhere',
  table: 'elsewhere',
  /** On the worker's machine. */
  worker: 'exclusive',
};

/** How measurements on a device share this machine. */
export const sharingOf = ({ type }: DeviceConfig): Sharing => sharings[type];

/** The precision, in runs of several or of another one than fp32. */
const precisionField = (
  { experiment }: Pick<TrainingPlan, 'experiment'>,
  precision: StoredPrecision,
): { readonly precision?: StoredPrecision } => (experiment.compress.int8 === 'off' ? {} : { precision });
