import type { Device } from '../device.js';
import type { DeviceConfig } from '../schema.js';
import { LocalDevice } from './local.js';

type Makers = { readonly [T in DeviceConfig['type']]: (config: DeviceConfig & { readonly type: T }) => Device };

const makers: Pick<Makers, 'local'> = {
  local: (config) => new LocalDevice(config),
};

/**
 * The device that an experiment or a command line asks for.
 * @throws NasError `invalid-input` when it does not exist here.
 */
export function createDevice(config: DeviceConfig): Device {
  if (config.type !== 'local') throw new Error(`${config.type} is not there yet`);
  return makers[config.type](config);
}
