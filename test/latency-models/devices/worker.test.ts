import { describe, expect, it } from 'vitest';
import {
  asMeasuredBy,
  createDevice,
  deviceSchema,
  localDeviceOf,
  type Measurement,
  type WorkerConfig,
} from '../../../latency-models/index.js';
import { small } from './models.js';
import { measureQuickly } from './quick-protocol.js';

const worker = (options: object = {}): WorkerConfig => {
  const device = deviceSchema.parse({ type: 'worker', tag: 'pi5', ...options });
  if (device.type !== 'worker') throw new Error('it is of another type');
  return device;
};

describe('a device of workers', () => {
  it('needs the queue of a run', () => {
    expect(() => createDevice(worker())).toThrow('workers with the tag pi5 are measured on by runs with a queue');
  });

  it('is a local device on the worker’s machine', () => {
    expect(localDeviceOf(worker())).toEqual(deviceSchema.parse('local'));
    const settings = { threads: 2, batch: 8, provider: 'cpu', precision: 'int8' };
    expect(localDeviceOf(worker(settings))).toEqual(deviceSchema.parse(settings));
  });

  it('names latencies by its tag and keeps the worker’s environment', async () => {
    const config = worker({ batch: 2 });
    const here = await measureQuickly(createDevice(localDeviceOf(config)), small);
    const { device, notes, ...environment } = here.environment;
    const named: Measurement = asMeasuredBy(config, here, 'pi-kitchen');
    expect(named).toEqual({
      ...here,
      environment: {
        ...environment,
        device: 'worker/pi5/cpu/1 thread/batch 2',
        notes: [...(notes ?? []), 'measured on pi-kitchen'],
      },
    });
    expect(device).toBe('local/cpu/1 thread/batch 2');
    expect(asMeasuredBy(config, here, undefined).environment.notes).toEqual(notes);
  });
});
