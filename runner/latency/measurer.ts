import { invalidInput, NasError } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { asMeasuredBy, defaultProtocol, type DeviceConfig, type Environment } from '../../latency-models/index.js';
import { choicesOf, genotypeId, type Genotype } from '../../spaces/index.js';
import type { MeasurementPurpose, MeasurementRecord, StoredPrecision } from '../../store/index.js';
import { JobFailed, type Sharing } from '../jobs/job-runner.js';
import type { SeededNetwork } from '../jobs/jobs.js';
import type { TrainingContext, TrainingPlan } from '../plan.js';
import { environmentDifferences, OtherEnvironment, toStored } from './stored-latency.js';

export interface Subject {
  readonly genotype: Genotype;
  readonly candidate: SeededNetwork;
  readonly trial?: number;
}

/** A network, and the precision in which it is measured. */
export interface InPrecision extends Subject {
  readonly precision: StoredPrecision;
}

/** A measurement failed: the device is at fault, or (`invalid-input`) the network. */
export class DeviceFailed extends NasError {
  constructor({ code, message, hint }: NasError) {
    super(code, message, hint === undefined ? {} : { hint });
  }
}

/** What the loop uses of a stored measurement. */
export type StoredMeasurement = Pick<MeasurementRecord, 'id' | 'genotypeId' | 'purpose' | 'precision' | 'trial' | 'ms'>;

/** Has networks measured while nothing trains, and stores the latencies. */
export class LatencyMeasurer {
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
  async measure(subjects: readonly InPrecision[], purpose: MeasurementPurpose): Promise<void> {
    const { plan, jobs, store, observe } = this.context;
    const { device } = plan.experiment.latency;
    const { decisions } = plan.space;
    const id = this.measurementId(subjects, purpose);
    const job = {
      kind: 'measure',
      candidates: subjects.map(({ candidate, genotype, precision }) => ({
        ...candidate,
        choices: choicesOf(decisions, genotype),
        precision,
      })),
      space: { config: plan.experiment.space, task: plan.task },
      device,
      protocol: defaultProtocol,
      id,
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
    for (const precision of new Set(subjects.map((subject) => subject.precision)))
      this.compare(measured[subjects.findIndex((one) => one.precision === precision)].environment, precision);
    const stored = store.transaction(() =>
      subjects.map(({ genotype, candidate: { network }, trial, precision }, i) => {
        const record = { ...toStored(measured[i]), genotypeId: genotypeId(genotype), purpose, precision };
        const storedId = store.measurements.add({ ...record, network, ...(trial === undefined ? {} : { trial }) });
        return { ...record, id: storedId, trial: trial ?? null };
      }),
    );
    for (const record of stored) {
      this.count(purpose);
      this.learn(record);
    }
    for (const [i, { trial, precision }] of subjects.entries()) {
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
   *   the user does not accept that; NasError `invalid-input` when float32 and int8 are to be compared on a board.
   */
  private compare(now: Environment, precision: StoredPrecision): void {
    const { plan, store, observe } = this.context;
    // Written by this class.
    const before = (this.environments.get(precision) ?? now) as Environment;
    const differences = environmentDifferences(before, now);
    const {
      compress,
      latency: { device },
    } = plan.experiment;
    // An agent does not say in advance that its device is a board.
    if (compress.int8 === 'auto' && precision === 'fp32' && now.precision === 'int8')
      throw invalidInput(`${now.device} runs the int8 program alone, so that there is no float32 to compare`, {
        hint: 'Set compress.int8 to require.',
      });
    if (differences !== '' && !plan.acceptEnvironment)
      throw new OtherEnvironment(differences, device.type === 'worker' ? device.tag : undefined);
    this.environments.set(precision, differences === '' ? before : now);
    if (differences === '') return;
    const message = `from now on, latency is measured in another environment: ${differences}`;
    store.events.add({ kind: 'warning', detail: { message } });
    observe({ kind: 'warning', message });
  }

  /** The same for the same measurement of this run, also after it was killed and resumed. */
  private measurementId(subjects: readonly InPrecision[], purpose: MeasurementPurpose): string {
    const { compress } = this.context.plan.experiment;
    const trials = subjects.map(({ genotype, trial, precision }) => {
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
  serial: 'elsewhere',
  agent: 'elsewhere',
  table: 'elsewhere',
  /** On the worker's machine. */
  worker: 'exclusive',
};

/** How measurements on a device share this machine. */
export const sharingOf = ({ type }: DeviceConfig): Sharing => sharings[type];

/** The precision, in runs of several or of another one than fp32. */
export const precisionField = (
  { experiment }: Pick<TrainingPlan, 'experiment'>,
  precision: StoredPrecision,
): { readonly precision?: StoredPrecision } => (experiment.compress.int8 === 'off' ? {} : { precision });
