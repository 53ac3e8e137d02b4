import { invalidInput, type NasError } from '../../base/errors.js';
import type { Space } from '../../spaces/index.js';
import type { Device, Measurement } from '../device.js';
import type { DeviceConfig, LocalConfig, WorkerConfig } from '../schema.js';
import { AgentDevice } from './agent/agent-device.js';
import { BrowserDevice } from './browser/browser-device.js';
import { LocalDevice } from './local.js';
import { TableDevice } from './table.js';

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

/** What a worker measures with, on its own machine, for a device of its tag. */
export const localDeviceOf = ({ provider, threads, batch, precision }: WorkerConfig): LocalConfig => ({
  type: 'local',
  provider,
  threads,
  batch,
  ...(precision !== undefined && { precision }),
});

/**
 * What a worker has measured, as the latency of its tag: `worker/pi5/cpu/1 thread/batch 1`. Processor, versions and load stay
 * those of the worker's machine.
 * @param host the worker's machine, where it is told
 */
export function asMeasuredBy({ tag }: WorkerConfig, measured: Measurement, host: string | undefined): Measurement {
  const { environment } = measured;
  const device = environment.device.replace(/^local(?=\/|$)/, `worker/${tag}`);
  const notes = [...(environment.notes ?? []), ...(host === undefined ? [] : [`measured on ${host}`])];
  return { ...measured, environment: { ...environment, device, ...(notes.length > 0 && { notes }) } };
}

/** Who asks for workers has to come by a queue. */
export const needsQueue = ({ tag }: WorkerConfig): NasError =>
  invalidInput(`workers with the tag ${tag} are measured on by runs with a queue of workers, not from here`, {
    hint: `In an experiment: workers: {type: queue, url: ...} and latency: {device: {type: worker, tag: ${tag}}}. Without a queue, nas agent measures on another machine: --device agent:url=http://HOST:7700.`,
  });
