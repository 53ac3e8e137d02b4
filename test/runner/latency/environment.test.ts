import { describe, expect, it } from 'vitest';
import { environmentDifferences, OtherEnvironment } from '../../../runner/latency/stored-latency.js';
import {
  asMeasuredBy,
  describeEnvironment,
  deviceSchema,
  type Environment,
  type Measurement,
} from '../../../latency-models/index.js';

const settings = { provider: 'cpu', threads: 1, batch: 1 };
const here = describeEnvironment('local/cpu/1 thread/batch 1', settings);

function by(tag: string, host: string, environment: Partial<Environment> = {}): Environment {
  const device = deviceSchema.parse({ type: 'worker', tag });
  if (device.type !== 'worker') throw new Error('it is of another type');
  const measured: Measurement = {
    ms: 1,
    p50: 1,
    p95: 1,
    p99: 1,
    interval: [1, 1],
    converged: true,
    samples: [1],
    reliable: true,
    reasons: [],
    provenance: 'measured',
    environment: { ...here, ...environment },
  };
  return asMeasuredBy(device, measured, host).environment;
}

describe('latencies of workers', () => {
  it('compare when their machines are of one kind, however they are called and whatever they do', () => {
    expect(environmentDifferences(by('pi5', 'kitchen'), by('pi5', 'cellar', { load: 3, affinity: '0' }))).toBe('');
  });

  it('do not compare when a tag is on another processor, or the latencies are those of another tag', () => {
    const kitchen = by('pi5', 'kitchen', { cpu: 'Cortex-A76' });
    expect(environmentDifferences(kitchen, by('pi5', 'desk', { cpu: 'EPYC' }))).toBe('cpu Cortex-A76, now EPYC');
    expect(environmentDifferences(kitchen, by('pi4', 'kitchen', { cpu: 'Cortex-A76' }))).toBe(
      'device worker/pi5/cpu/1 thread/batch 1, now worker/pi4/cpu/1 thread/batch 1',
    );
  });

  it('that do not compare end the run with what to do: of workers, it is their tag', () => {
    expect(new OtherEnvironment('cpu A, now B', 'pi5')).toMatchObject({
      code: 'invalid-input',
      message: 'latency was measured in another environment before: cpu A, now B',
      hint: 'Give the tag pi5 to machines of one kind alone; or let both kinds of latency steer it, with --accept-environment.',
    });
    expect(new OtherEnvironment('cpu A, now B').hint).toMatch(
      /^Go on where the run began; or .*--accept-environment\.$/,
    );
  });
});
