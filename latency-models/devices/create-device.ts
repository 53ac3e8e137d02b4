import type { Space } from '../../spaces/index.js';
import type { Device } from '../device.js';
import type { DeviceConfig } from '../schema.js';
import { AgentDevice } from './agent/agent-device.js';
import { BrowserDevice } from './browser/browser-device.js';
import { LocalDevice } from './local.js';
import { TableDevice } from './table/table-device.js';
import { needsQueue } from './worker.js';

/** What some devices need besides their configuration. */
export interface DeviceContext {
  /** The candidates' space: a table finds equal networks by it, and predicts those without a row. */
  readonly space?: Space;
}

/**
 * The device that an experiment or a command line asks for.
 * @throws NasError `invalid-input` when it does not exist here; of a worker, whom the queue of a run asks (`localDeviceOf`).
 */
export function createDevice(config: DeviceConfig, { space }: DeviceContext = {}): Device {
  switch (config.type) {
    case 'local':
      return new LocalDevice(config);
    case 'browser':
      return new BrowserDevice(config);
    case 'agent':
      return new AgentDevice(config);
    case 'table':
      return new TableDevice(config, space);
    case 'worker':
      throw needsQueue(config);
  }
}
