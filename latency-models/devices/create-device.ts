import type { Space } from '../../spaces/index.js';
import type { Device } from '../device.js';
import type { DeviceConfig } from '../schema.js';
import { AgentDevice } from './agent/agent-device.js';
import { BrowserDevice } from './browser/browser-device.js';
import { LocalDevice } from './local.js';
import { SerialDevice } from './serial/serial-device.js';
import { TableDevice } from './table.js';
import { needsQueue } from './worker.js';

/** What some devices need besides their configuration. */
export interface DeviceContext {
  /** The candidates' space: a table finds equal networks by it, and predicts networks without a row. */
  readonly space?: Space;
}

/** @throws NasError `invalid-input` when the device does not exist here, and for a worker, which needs a run's queue. */
export function createDevice(config: DeviceConfig, { space }: DeviceContext = {}): Device {
  switch (config.type) {
    case 'local':
      return new LocalDevice(config);
    case 'browser':
      return new BrowserDevice(config);
    case 'serial':
      return new SerialDevice(config);
    case 'agent':
      return new AgentDevice(config);
    case 'table':
      return new TableDevice(config, space);
    case 'worker':
      throw needsQueue(config);
  }
}
