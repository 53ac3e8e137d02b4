import { messageOf, NasError } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import { Random } from '../../../base/random.js';
import {
  defaultProtocol,
  selectCalibration,
  validate,
  type Environment,
  type LatencyModel,
  type Measurement,
} from '../../../latency-models/index.js';
import { choicesOf, genotypeId, type Genotype } from '../../../spaces/index.js';
import type { MeasurementPurpose, MeasurementRecord, ObjectiveValue } from '../../../store/index.js';
import type { TrainingContext } from '../context.js';
import { JobFailed } from '../jobs/job-runner.js';
import type { SeededNetwork } from '../jobs/jobs.js';
import { environmentDifferences, OtherEnvironment } from './environment.js';
import { LatencyPredictor } from './predictor.js';
import { latencyValue } from './value.js';

/** A network to measure, and what for. */
export interface Subject {
  readonly genotype: Genotype;
  readonly candidate: SeededNetwork;
  readonly trial?: number;
}

/** No measurement came of a job: the device is to blame, or (`invalid-input`) the network. */
class DeviceFailed extends NasError {
  constructor({ code, message, hint }: NasError) {
    super(code, message, hint === undefined ? {} : { hint });
  }
}

/** Measures latency while nothing trains, keeps what was measured, and predicts the rest from it. */
export class LatencyService {
  private readonly predictor: LatencyPredictor;
  /** How latency was measured last. */
  private environment: unknown;

  constructor(private readonly context: TrainingContext) {
    this.predictor = new LatencyPredictor(context);
  }

  /** Measures a few networks, chosen to tell most about all others, unless an earlier run of this workdir did. */
  async calibrate(): Promise<void> {
    const { plan, store, observe } = this.context;
    const { latency, seed } = plan.experiment;
    if (!plan.sources.has('latency') || !this.predictor.needsCalibration) return;
    // Few networks of a space have a row; a model comes from those that do.
    if (latency.device.type === 'table' && latency.device.missing === 'fail') return;
    if (store.measurements.all().some(({ purpose }) => purpose === 'calibration')) return;
    const message = `Measuring ${latency.calibration} networks to predict the latency of all others`;
    observe({ kind: 'phase', name: 'calibration', message });
    const genotypes = selectCalibration(plan.space, latency.calibration, new Random(seed, 'calibration'));
    await this.measure(
      genotypes.map((genotype) => ({ genotype, candidate: { network: plan.space.build(genotype), seed } })),
      'calibration',
    );
  }

  /** What latency is predicted by, knowing the calibration and those trials that may be known; null: nothing is. */
  model(isKnown: (trial: number) => boolean): LatencyModel | null {
    return this.predictor.model(isKnown);
  }

  /**
   * The latency of a trial, measured now unless it is known. When the device fails, the run goes on: with what was
   * predicted for the trial (the next one is measured again), or without the trial when the network is at fault or
   * nothing was predicted. Undefined when the user stopped the run.
   */
  async ofTrial(
    subject: Subject & { readonly trial: number },
  ): Promise<ObjectiveValue | { readonly failed: string } | undefined> {
    const { store, observe, stopping } = this.context;
    const { trial } = subject;
    try {
      if (this.taken(trial) === undefined) await this.measure([subject], 'trial');
    } catch (error) {
      if (stopping()) return undefined;
      if (!(error instanceof DeviceFailed)) throw error;
      const failed = `latency: ${messageOf(error)}`;
      const predicted = store.trials.prediction(trial);
      if (predicted === undefined || error.code === 'invalid-input') return { failed };
      observe({ kind: 'warning', message: `trial ${trial} goes on with its predicted latency: ${messageOf(error)}` });
    }
    return this.known(trial);
  }

  /** The latency of a trial as it was measured, or else predicted; undefined when neither. */
  known(trial: number): ObjectiveValue | undefined {
    const taken = this.taken(trial);
    if (taken !== undefined) return latencyValue(taken);
    const predicted = this.context.store.trials.prediction(trial);
    return predicted && { value: predicted.ms, provenance: 'predicted' };
  }

  private taken(trial: number): MeasurementRecord | undefined {
    return this.context.store.measurements.of(trial).find(({ purpose }) => purpose === 'trial');
  }

  /** Measures networks that have a latency already; when the device fails, they keep it, and false is returned. */
  async measureAgain(subjects: readonly Subject[], purpose: MeasurementPurpose): Promise<boolean> {
    const { observe, stopping } = this.context;
    try {
      await this.measure(subjects, purpose);
      return true;
    } catch (error) {
      if (stopping()) return false;
      if (!(error instanceof DeviceFailed)) throw error;
      const message = `the ${purpose} could not be measured and keeps the latencies of the search: ${messageOf(error)}`;
      observe({ kind: 'warning', message });
      return false;
    }
  }

  /** Measures networks side by side, so that whatever changes with time hits all alike. */
  async measure(subjects: readonly Subject[], purpose: MeasurementPurpose): Promise<void> {
    const { plan, jobs, store, observe } = this.context;
    const { device } = plan.experiment.latency;
    const { decisions } = plan.space;
    const id = this.measurementId(subjects, purpose);
    const job = {
      kind: 'measure',
      candidates: subjects.map(({ candidate, genotype }) => ({
        ...candidate,
        choices: choicesOf(decisions, genotype),
      })),
      space: { config: plan.experiment.space, task: plan.task },
      device,
      protocol: defaultProtocol,
      id,
      profile: purpose === 'calibration',
    } as const;
    const sharing = device.type === 'agent' || device.type === 'table' ? 'elsewhere' : 'exclusive';
    const submitted = jobs.submit(
      { id, job, sharing, inputs: [] },
      {
        event: (event) => {
          if (event.kind === 'count' && purpose !== 'trial')
            observe({ kind: 'progress', phase: purpose, done: event.done, total: event.total, unit: event.what });
        },
      },
    );
    const measured = await submitted.result.catch((error: unknown) => {
      if (error instanceof JobFailed || (error instanceof NasError && error.code === 'invalid-input'))
        throw new DeviceFailed(error);
      throw error;
    });
    this.compare(measured[0].environment);
    store.transaction(() => {
      for (const [i, { genotype, candidate, trial }] of subjects.entries()) {
        store.measurements.add({
          ...plain(measured[i]),
          genotypeId: genotypeId(genotype),
          network: candidate.network,
          purpose,
          ...(trial === undefined ? {} : { trial }),
        });
      }
    });
    for (const [i, { trial }] of subjects.entries()) {
      const predictedMs = trial === undefined ? undefined : store.trials.prediction(trial)?.ms;
      const { ms, interval, converged } = measured[i];
      observe({
        kind: 'measured',
        purpose,
        ms,
        interval,
        converged,
        ...(trial === undefined ? {} : { number: trial }),
        ...(predictedMs === undefined ? {} : { predictedMs }),
      });
    }
  }

  /** Tells how well latency was predicted for the trials, each before it was measured. */
  reportQuality(): void {
    const { store, observe } = this.context;
    const pairs = store.measurements.all().flatMap(({ purpose, trial, ms }) => {
      const predicted = purpose === 'trial' && trial !== null ? store.trials.prediction(trial) : undefined;
      return predicted === undefined ? [] : [{ predicted: predicted.ms, measured: ms }];
    });
    if (pairs.length < 3) return;
    const { count, mape, spearman } = validate(pairs);
    // Ranks that are all equal have no correlation.
    if (!Number.isFinite(spearman)) return;
    store.events.add({ kind: 'prediction-quality', detail: { count, mape, spearman } });
    observe({ kind: 'prediction-quality', count, mape, spearman });
  }

  /** @throws OtherEnvironment when the latest latency of this run was measured otherwise, and the user does not accept that. */
  private compare(now: Environment): void {
    const { plan, store, observe } = this.context;
    this.environment ??= store.measurements.all().at(-1)?.environment ?? now;
    // Written by this service.
    const differences = environmentDifferences(this.environment as Environment, now);
    if (differences === '') return;
    if (!plan.acceptEnvironment) throw new OtherEnvironment(differences);
    this.environment = now;
    const message = `from now on, latency is measured in another environment: ${differences}`;
    store.events.add({ kind: 'warning', detail: { message } });
    observe({ kind: 'warning', message });
  }

  /** The same for the same measurement of this run, also after it was killed and resumed. */
  private measurementId(subjects: readonly Subject[], purpose: MeasurementPurpose): string {
    const { name, createdAt } = this.context.store.run.get();
    const before = this.context.store.measurements.all().filter((record) => record.purpose === purpose);
    const trials = subjects.map(({ genotype, trial }) => [genotypeId(genotype), trial ?? null]);
    const rounds = purpose === 'trial' ? 0 : before.length;
    return `${purpose}-${contentHash(name, createdAt, trials, rounds).slice(0, 32)}`;
  }
}

/** A measurement as the store keeps it. */
function plain({ environment, provenance, reliable, reasons, layers, ...timing }: Measurement) {
  const beside = { provenance, reliable, reasons, ...(layers === undefined ? {} : { layers }) };
  return { ...timing, device: environment.device, environment: { ...environment, ...beside } };
}
