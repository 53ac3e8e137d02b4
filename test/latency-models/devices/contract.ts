import { describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import type { Device, Protocol } from '../../../latency-models/index.js';

/** A short protocol: the contract is about form and order, not about precision. */
export const quickProtocol: Protocol = {
  warmupMs: 20,
  blockMs: 2,
  minRuns: 3,
  maxRuns: 10,
  minBlocks: 4,
  maxBlocks: 8,
  tolerance: 0.05,
};

export interface DeviceCase {
  readonly name: string;
  readonly make: () => Device;
  /** Two models that the device can run, the second at least twenty times the work of the first. */
  readonly small: Uint8Array;
  readonly large: Uint8Array;
}

/** What every device must do. */
export function describeDevice({ name, make, small, large }: DeviceCase): void {
  describe(`device ${name}`, () => {
    it('measures a model with percentiles, an interval, all samples and its circumstances', async () => {
      const device = make();
      const measurement = await device.measure(small, quickProtocol);
      const { ms, p50, p95, p99, interval, samples, environment, reliable, reasons, provenance } = measurement;
      expect(ms).toBeGreaterThan(0);
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50);
      expect(p99).toBeGreaterThanOrEqual(p95);
      expect(interval[0]).toBeLessThanOrEqual(interval[1]);
      expect(Math.min(...samples)).toBeLessThanOrEqual(ms);
      expect(Math.max(...samples)).toBeGreaterThanOrEqual(ms);
      expect(samples.length).toBeGreaterThanOrEqual(quickProtocol.minBlocks * quickProtocol.minRuns);
      expect(environment.device).toBe(device.name);
      expect(environment.runtime).not.toBe('');
      expect(environment.batch).toBeGreaterThanOrEqual(1);
      expect(provenance).toBe('measured');
      expect(reliable).toBe(reasons.length === 0);
      expect(JSON.parse(JSON.stringify(measurement))).toEqual(measurement);
    });

    it('takes longer for much more work', async () => {
      const [fast, slow] = await make().measureAll([small, large], quickProtocol);
      expect(slow.ms).toBeGreaterThan(2 * fast.ms);
    });

    it('gives the results in the order of the models, none for none', async () => {
      const device = make();
      expect(await device.measureAll([], quickProtocol)).toEqual([]);
      const [slow, fast] = await device.measureAll([large, small], quickProtocol);
      expect(slow.ms).toBeGreaterThan(fast.ms);
    });

    it('takes candidates as it takes models, and asks for theirs', async () => {
      const measurement = await make().measure({ model: () => small, choices: { width: 1 } }, quickProtocol);
      expect(measurement.ms).toBeGreaterThan(0);
    });

    it('refuses what is not a model, with a clear error', async () => {
      const failure = make().measure(new TextEncoder().encode('not a model'), quickProtocol);
      await expect(failure).rejects.toBeInstanceOf(NasError);
      await expect(failure).rejects.toMatchObject({ code: 'invalid-input' });
    });

    it('stops when it is told to', async () => {
      const stop = new AbortController();
      const options = { signal: stop.signal, onProgress: () => stop.abort(new Error('stopped by the user')) };
      await expect(make().measure(small, quickProtocol, options)).rejects.toThrow('stopped by the user');
    });
  });
}
