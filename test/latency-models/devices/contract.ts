import { describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import { byteModel } from '../../compiler/support/byte-models.js';
import { measureOne, type Device, type LatencyProvenance, type Measurable } from '../../../latency-models/index.js';
import { measureQuickly, quickProtocol } from './quick-protocol.js';

export interface DeviceCase {
  readonly name: string;
  readonly make: () => Device | Promise<Device>;
  /** Two networks that the device knows; `large` has at least twenty times the work. */
  readonly small: Measurable;
  readonly large: Measurable;
  /** A network that it does not know or cannot run. */
  readonly impossible: Measurable;
  readonly provenance: LatencyProvenance;
}

/** The contract of every device. */
export function describeDevice({ name, make, small, large, impossible, provenance }: DeviceCase): void {
  describe(`device ${name}`, () => {
    it('returns a latency with percentiles, interval, provenance and environment', async () => {
      const device = await make();
      const measurement = await measureQuickly(device, small);
      const { ms, p50, p95, p99, interval, samples, environment, reliable, reasons } = measurement;
      expect(ms).toBeGreaterThan(0);
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50);
      expect(p99 ?? Infinity).toBeGreaterThanOrEqual(p95);
      expect(interval[0]).toBeLessThanOrEqual(interval[1]);
      expect(measurement.provenance).toBe(provenance);
      if (provenance === 'measured') {
        expect(samples.length).toBeGreaterThanOrEqual(quickProtocol.minBlocks * quickProtocol.minRuns);
        expect(Math.min(...samples)).toBeLessThanOrEqual(ms);
        expect(Math.max(...samples)).toBeGreaterThanOrEqual(ms);
      } else expect(samples).toEqual([]);
      expect(reliable).toBe(reasons.length === 0);
      expect(environment.device).toBe(device.name);
      expect(environment.runtime).not.toBe('');
      expect(environment.batch).toBeGreaterThanOrEqual(1);
      expect(JSON.parse(JSON.stringify(measurement))).toEqual(measurement);
    });

    it('returns results in the order of the networks, larger for more work, none for none', async () => {
      const device = await make();
      expect(await device.measureAll([], quickProtocol)).toEqual([]);
      const [slow, fast] = await device.measureAll([large, small], quickProtocol);
      expect(slow.ms).toBeGreaterThan(2 * fast.ms);
      const [first, second] = await device.measureAll([small, large], quickProtocol);
      expect(second.ms).toBeGreaterThan(2 * first.ms);
    });

    it('rejects a network that it cannot run or does not know, and continues with the next', async () => {
      const device = await make();
      const failure = measureQuickly(device, impossible);
      await expect(failure).rejects.toBeInstanceOf(NasError);
      await expect(failure).rejects.toMatchObject({ code: 'invalid-input' });
      expect((await measureQuickly(device, small)).ms).toBeGreaterThan(0);
    });

    it.runIf(provenance === 'measured')('labels models by their executed precision', async () => {
      const device = await make();
      const forms = ['floats', 'bytes', 'weights', 'half'] as const;
      const measurements = await device.measureAll(
        forms.map((form) => byteModel(form)),
        quickProtocol,
      );
      const labels = measurements.map(({ environment: { precision, weights } }) => [precision, weights ?? precision]);
      expect(labels).toEqual([
        ['fp32', 'fp32'],
        ['int8', 'int8'],
        ['fp32', 'int8'],
        ['fp32', 'fp16'],
      ]);
      expect(measurements[1].environment.notes).toContain(
        '3 of 3 convolutions and matrix products are in bytes, 100.0 % of the multiply-accumulates',
      );
    });

    it.runIf(provenance === 'measured')('reports whether it sums bytes exactly', async () => {
      const device = await make();
      expect(['exact', 'saturating']).toContain(await device.integers?.());
    });

    it('reports progress, and can be aborted', async () => {
      const device = await make();
      const stop = new AbortController();
      const options = { signal: stop.signal, onProgress: () => stop.abort(new Error('stopped by the user')) };
      const long = { ...quickProtocol, warmupMs: 500, blockMs: 50, maxRuns: 5000, minBlocks: 40, maxBlocks: 40 };
      await expect(measureOne(device, small, long, options)).rejects.toThrow('stopped by the user');
    });
  });
}
