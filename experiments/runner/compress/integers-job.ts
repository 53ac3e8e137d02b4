import { createDevice } from '../../../latency-models/index.js';
import type { IntegersResult, JobOf } from '../jobs/jobs.js';

/** Asks a device whether it sums products of bytes exactly; one that does not tell counts as exact. */
export async function integersJob({ device: config }: JobOf<'integers'>): Promise<IntegersResult> {
  const device = createDevice(config, {});
  return (await device.integers?.()) ?? 'exact';
}
