import { messageOf } from '../../base/errors.js';
import type { WeightBits } from '../../deploy/index.js';
import { createDevice, DeviceUnavailable, type DeviceConfig } from '../../latency-models/index.js';
import type { Store } from '../../store/index.js';
import { verdictDetail } from '../compress/index.js';

/** Those that a run quantized with before. */
function known(store: Store): WeightBits | undefined {
  const bits = [...store.variants.all().values()]
    .flat()
    .map(({ detail }) => verdictDetail(detail)?.weight_bits)
    .find((found) => found === 7 || found === 8);
  return bits === 7 || bits === 8 ? bits : undefined;
}

/**
 * The bits of the weights of a run's int8 files: those that the run itself quantized with, or 7 where its device sums
 * products of bytes in 16 bits. Where the device does not tell there are 7, too, which are exact everywhere.
 * @param onWarning told why the device was not asked
 */
export async function exportedWeightBits(
  store: Store,
  device: DeviceConfig,
  onWarning: (message: string) => void,
): Promise<WeightBits> {
  const before = known(store);
  if (before !== undefined) return before;
  try {
    return (await createDevice(device).integers?.()) === 'exact' ? 8 : 7;
  } catch (error) {
    if (!(error instanceof DeviceUnavailable)) throw error;
    onWarning(`weights have 7 bits, which are exact everywhere: ${messageOf(error)}`);
    return 7;
  }
}
