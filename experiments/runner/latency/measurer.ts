import { z } from 'zod';
import { NasError } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import {
  asMeasuredBy,
  defaultProtocol,
  layerTimesSchema,
  type DeviceConfig,
  type Environment,
  type LatencyProvenance,
  type LayerTime,
  type Measurement,
} from '../../../latency-models/index.js';
import { choicesOf, genotypeId, type Genotype } from '../../../spaces/index.js';
import type { MeasurementPurpose, MeasurementRecord, ObjectiveValue, StoredPrecision } from '../../../store/index.js';
import { JobFailed, type Sharing } from '../jobs/job-runner.js';
import type { SeededNetwork } from '../jobs/jobs.js';
import type { TrainingContext, TrainingPlan } from '../plan.js';

/** A network to measure. */
export interface Subject {
  readonly genotype: Genotype;
  readonly candidate: SeededNetwork;
  readonly trial?: number;
  /** Default: fp32. */
  readonly precision?: StoredPrecision;
}

/** A measurement failed: the device is at fault, or (`invalid-input`) the network. */
export class DeviceFailed extends NasError {
  constructor({ code, message, hint }: NasError) {
    super(code, message, hint === undefined ? {} : { hint });
  }
}

/** Has networks measured while nothing trains, and stores the latencies. */
export class LatencyMeasurer {
  /** The environment of the latest measurement in each precision. */
  private readonly environments = new Map<StoredPrecision, unknown>();

  constructor(private readonly context: TrainingContext) {}

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
    store.transaction(() => {
      for (const [i, { genotype, candidate, trial, precision = 'fp32' }] of subjects.entries()) {
        store.measurements.add({
          ...toStored(measured[i]),
          genotypeId: genotypeId(genotype),
          network: candidate.network,
          purpose,
          precision,
          ...(trial === undefined ? {} : { trial }),
        });
      }
    });
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
    const stored = () => store.measurements.all().findLast((record) => record.precision === precision)?.environment;
    const before = this.environments.get(precision) ?? stored() ?? now;
    // Written by this class.
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
    const { name, createdAt } = this.context.store.run.get();
    const { compress } = this.context.plan.experiment;
    const before = this.context.store.measurements.all().filter((record) => record.purpose === purpose);
    const trials = subjects.map(({ genotype, trial, precision = 'fp32' }) => {
      const network = [genotypeId(genotype), trial ?? null];
      return compress.int8 === 'off' ? network : [...network, precision];
    });
    const rounds = purpose === 'trial' ? 0 : before.length;
    return `${purpose}-${contentHash(name, createdAt, trials, rounds).slice(0, 32)}`;
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
export const precisionField = (
  { experiment }: Pick<TrainingPlan, 'experiment'>,
  precision: StoredPrecision,
): { readonly precision?: StoredPrecision } => (experiment.compress.int8 === 'off' ? {} : { precision });

/** A measurement as the store holds it. */
function toStored({ environment, provenance, reliable, reasons, layers, ...timing }: Measurement) {
  const beside = { provenance, reliable, reasons, ...(layers === undefined ? {} : { layers }) };
  return { ...timing, device: environment.device, environment: { ...environment, ...beside } };
}

/** Fields that `toStored` adds to the environment; runs of older versions have measured everything. */
const originSchema = z.looseObject({ provenance: z.enum(['measured', 'imported', 'predicted']).default('measured') });
const profiledSchema = z.looseObject({ layers: layerTimesSchema.optional() });

/** The times of the network's layers, where they are stored with the latency. */
export const storedLayers = ({ environment }: MeasurementRecord): readonly LayerTime[] | undefined =>
  profiledSchema.parse(environment).layers;

/** A stored latency with its provenance. */
export const latencyValue = ({
  ms,
  environment,
}: MeasurementRecord): ObjectiveValue & { readonly provenance: LatencyProvenance } => ({
  value: ms,
  provenance: originSchema.parse(environment).provenance,
});

/** The parts of an environment that latencies depend on most; the machine's load and allowed cores are not among them. */
const comparedKeys = ['device', 'cpu', 'provider', 'adapter', 'threads', 'batch', 'precision', 'runtime'] as const;

/** Latency is measured in another environment than before: new numbers do not compare with the stored ones. */
export class OtherEnvironment extends NasError {
  /** @param tag of the workers that measure, where they do */
  constructor(differences: string, tag?: string) {
    const where = tag === undefined ? 'Go on where the run began' : `Give the tag ${tag} to machines of one kind alone`;
    super('invalid-input', `latency was measured in another environment before: ${differences}`, {
      hint: `${where}; or let both kinds of latency steer it, with --accept-environment.`,
    });
  }
}

/** `threads 1, now 4; cpu A, now B`; empty when latencies compare. A part that one of them lacks is no difference. */
export const environmentDifferences = (
  before: Readonly<Partial<Record<keyof Environment, unknown>>>,
  now: Readonly<Partial<Record<keyof Environment, unknown>>>,
): string =>
  comparedKeys
    .filter((key) => before[key] !== undefined && now[key] !== undefined && before[key] !== now[key])
    .map((key) => `${key} ${String(before[key])}, now ${String(now[key])}`)
    .join('; ');
