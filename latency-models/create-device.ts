import type { Device } from './device.js';
import { LocalDevice } from './local.js';
import type { DeviceConfig } from './schema.js';

const makers: { readonly [T in DeviceConfig['type']]: (config: DeviceConfig & { readonly type: T }) => Device } = {
  local: (config) => new LocalDevice(config),
};

/**
 * The device that an experiment asks for.
 * @throws NasError `invalid-input` when it does not exist here.
 */
export const createDevice = (config: DeviceConfig): Device => makers[config.type](config);
