import { z } from 'zod';
import type { WeightBits } from '../../../deploy/index.js';
import type { Store } from '../../../store/index.js';
import { weightBitsFor } from '../../compress/index.js';
import type { TrainingContext } from '../context.js';
import { placeOf } from '../latency/measuring.js';

const storedSchema = z.looseObject({ weight_bits: z.union([z.literal(7), z.literal(8)]) });

/** The bits of quantized weights that a run settled; undefined when it never quantized. */
export function settledWeightBits({ events }: Pick<Store, 'events'>): WeightBits | undefined {
  const known = events.of('weight-bits').at(-1);
  return known && storedSchema.parse(known.detail).weight_bits;
}

/**
 * The bits of quantized weights, settled once for each run: 7 where the device would saturate with 8. The store keeps
 * them, as a run that goes on elsewhere must quantize as it did.
 * @throws NasError when the device cannot be reached
 */
export async function settleWeightBits({ plan, jobs, store, observe }: TrainingContext): Promise<WeightBits> {
  const known = settledWeightBits(store);
  if (known !== undefined) return known;
  const { device } = plan.experiment.latency;
  const job = { kind: 'integers', device } as const;
  const arithmetic = await jobs.submit({ id: 'integers', job, sharing: placeOf(device) }).result;
  const bits = weightBitsFor(arithmetic);
  store.transaction(() => {
    store.events.add({ kind: 'weight-bits', detail: { weight_bits: bits, arithmetic } });
    if (bits === 8) return;
    const message =
      'the device sums products of bytes in 16 bits, which saturate (it has no VNNI): quantized weights have 7 bits';
    store.events.add({ kind: 'warning', detail: { message } });
    observe({ kind: 'warning', message });
  });
  return bits;
}
