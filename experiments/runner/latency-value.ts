import { z } from 'zod';
import type { LatencyProvenance } from '../../latency-models/index.js';
import type { MeasurementRecord, ObjectiveValue } from '../../store/index.js';

/** What the runner stores beside an environment; runs of older versions have measured everything. */
const originSchema = z.looseObject({ provenance: z.enum(['measured', 'imported', 'predicted']).default('measured') });

/** A stored latency as a value that says where it comes from. */
export const latencyValue = ({
  ms,
  environment,
}: MeasurementRecord): ObjectiveValue & { readonly provenance: LatencyProvenance } => ({
  value: ms,
  provenance: originSchema.parse(environment).provenance,
});
