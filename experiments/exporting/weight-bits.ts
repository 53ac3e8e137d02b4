import { messageOf } from '../../base/errors.js';
import type { WeightBits } from '../../deploy/index.js';
import { createDevice, DeviceUnavailable, type DeviceConfig } from '../../latency-models/index.js';
import type { Store } from '../../store/index.js';
import { weightBitsFor } from '../compress/index.js';
import { settledWeightBits } from '../runner/compress/weight-bits.js';

/**
 * The bits of the weights of a run's int8 files: those that the run itself settled, or 7 where its device sums
 * products of bytes in 16 bits. Where the device does not tell there are 7, too, which are exact everywhere.
 * @param onWarning told why the device was not asked
 */
export async function exportedWeightBits(
  store: Pick<Store, 'events'>,
  device: DeviceConfig,
  onWarning: (message: string) => void,
): Promise<WeightBits> {
  const before = settledWeightBits(store);
  if (before !== undefined) return before;
  if (device.type === 'worker') {
    onWarning(`weights have 7 bits, which are exact everywhere: workers (${device.tag}) are asked by nas run alone`);
    return 7;
  }
  try {
    return weightBitsFor((await createDevice(device).integers?.()) ?? 'saturating');
  } catch (error) {
    if (!(error instanceof DeviceUnavailable)) throw error;
    onWarning(`weights have 7 bits, which are exact everywhere: ${messageOf(error)}`);
    return 7;
  }
}
