import { z } from 'zod';
import { NasError } from '../../base/errors.js';
import { type Environment, type LatencyProvenance, type Measurement } from '../../latency-models/index.js';
import type { MeasurementRecord, ObjectiveValue } from '../../store/index.js';

export function toStored({ environment, provenance, reliable, reasons, ...timing }: Measurement) {
  return { ...timing, device: environment.device, environment: { ...environment, provenance, reliable, reasons } };
}

/** Fields that `toStored` adds to the environment. */
const originSchema = z.looseObject({ provenance: z.enum(['measured', 'imported', 'predicted']) });
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
