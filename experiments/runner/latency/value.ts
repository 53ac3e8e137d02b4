import { z } from 'zod';
import { layerTimesSchema, type LatencyProvenance, type LayerTime } from '../../../latency-models/index.js';
import type { MeasurementRecord, ObjectiveValue } from '../../../store/index.js';

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
