import { NasError } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import {
  asMeasuredBy,
  defaultProtocol,
  type DeviceConfig,
  type Environment,
  type LatencyProvenance,
  type LayerTime,
  layerTimesSchema,
  type Measurement,
} from '../../../latency-models/index.js';
import { choicesOf, genotypeId, type Genotype } from '../../../spaces/index.js';
import type { MeasurementPurpose, MeasurementRecord, ObjectiveValue, StoredPrecision } from '../../../store/index.js';
import type { TrainingContext, TrainingPlan } from '../plan.js';
import { JobFailed, type Sharing } from '../jobs/job-runner.js';
import type { SeededNetwork } from '../jobs/jobs.js';
import { z } from 'zod';

/** A network to measure, and what for. */
export interface Subject {
  readonly genotype: Genotype;
  readonly candidate: SeededNetwork;
  readonly trial?: number;
  /** What it is measured in; default: fp32. */
  readonly precision?: StoredPrecision;
}

/** No measurement came of a job: the device is to blame, or (`invalid-input`) the network. */
export class DeviceFailed extends NasError {
  constructor({ code, message, hint }: NasError) {
    super(code, message, hint === undefined ? {} : { hint });
  }
}

/** Has networks measured while nothing trains, and keeps what was measured. */
export class Measuring {
  /** How latency was measured last, in each precision. */
  private readonly environments = new Map<StoredPrecision, unknown>();

  constructor(private readonly context: TrainingContext) {}

  /** Measures networks side by side, so that whatever changes with time hits all alike. */
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
      { id, job, sharing: placeOf(device) },
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
          ...plain(measured[i]),
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
        ...saidIn(plan, precision),
        ...(trial === undefined ? {} : { number: trial }),
        ...(predictedMs === undefined ? {} : { predictedMs }),
      });
    }
  }

  /**
   * @throws OtherEnvironment when the latest latency of this run in the same precision was measured otherwise, and the user
   *   does not accept that.
   */
  private compare(now: Environment, precision: StoredPrecision): void {
    const { plan, store, observe } = this.context;
    const stored = () => store.measurements.all().findLast((record) => record.precision === precision)?.environment;
    const before = this.environments.get(precision) ?? stored() ?? now;
    // Written by this service.
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

const places: { readonly [T in DeviceConfig['type']]: Sharing } = {
  local: 'exclusive',
  browser: 'exclusive',
  agent: 'elsewhere',
  table: 'elsewhere',
  /** On the worker's machine. */
  worker: 'exclusive',
};

/** Where jobs of a device run. */
export const placeOf = ({ type }: DeviceConfig): Sharing => places[type];

/** A measurement as the store keeps it. */
function plain({ environment, provenance, reliable, reasons, layers, ...timing }: Measurement) {
  const beside = { provenance, reliable, reasons, ...(layers === undefined ? {} : { layers }) };
  return { ...timing, device: environment.device, environment: { ...environment, ...beside } };
}

/** The precision, in runs that have several or another one than fp32. */
export const saidIn = (
  { experiment }: Pick<TrainingPlan, 'experiment'>,
  precision: StoredPrecision,
): { readonly precision?: StoredPrecision } => (experiment.compress.int8 === 'off' ? {} : { precision });

/** What latencies depend on most. How busy the machine was, and which processors it might use, are not among them. */
const telling = ['device', 'cpu', 'provider', 'adapter', 'threads', 'batch', 'precision', 'runtime'] as const;

/** Latency is measured otherwise than before: the new numbers do not compare with those that are stored. */
export class OtherEnvironment extends NasError {
  /** @param tag of the workers that measure, where they do */
  constructor(differences: string, tag?: string) {
    const where = tag === undefined ? 'Go on where the run began' : `Give the tag ${tag} to machines of one kind alone`;
    super('invalid-input', `latency was measured in another environment before: ${differences}`, {
      hint: `${where}; or let both kinds of latency steer it, with --accept-environment.`,
    });
  }
}

/** `threads 1, now 4; cpu A, now B`; empty when latencies compare. What one of them does not tell is no difference. */
export const environmentDifferences = (
  before: Readonly<Partial<Record<keyof Environment, unknown>>>,
  now: Readonly<Partial<Record<keyof Environment, unknown>>>,
): string =>
  telling
    .filter((key) => before[key] !== undefined && now[key] !== undefined && before[key] !== now[key])
    .map((key) => `${key} ${String(before[key])}, now ${String(now[key])}`)
    .join('; ');

/** What the runner stores beside an environment; runs of older versions have measured everything. */
const originSchema = z.looseObject({ provenance: z.enum(['measured', 'imported', 'predicted']).default('measured') });

const profiledSchema = z.looseObject({ layers: layerTimesSchema.optional() });

/** The times of the network's layers, where the runner has stored them with the latency. */
export const storedLayers = ({ environment }: MeasurementRecord): readonly LayerTime[] | undefined =>
  profiledSchema.parse(environment).layers;

/** A stored latency as a value that says where it comes from. */
export const latencyValue = ({
  ms,
  environment,
}: MeasurementRecord): ObjectiveValue & { readonly provenance: LatencyProvenance } => ({
  value: ms,
  provenance: originSchema.parse(environment).provenance,
});
