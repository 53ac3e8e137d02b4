import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { describeEnvironment, timedRuns } from '../../latency-models/index.js';
import { measureSideBySide, maxOpen, type OpenSubject } from '../../latency-models/measure-side-by-side.js';
import { quickProtocol } from './devices/quick-protocol.js';

const environment = describeEnvironment('bench', { provider: 'cpu', threads: 1, batch: 1 });

/** Models on a clock of their own, on a device that becomes slower when model `slowFrom` is opened. */
class Bench {
  now = 0;
  open = 0;
  maxOpen = 0;
  readonly opened: number[] = [];
  private readonly random = new Random(1, 'bench');

  constructor(private readonly slowFrom = Infinity) {}

  readonly clock = () => this.now;

  model = (index: number) => (): Promise<OpenSubject> => {
    this.opened.push(index);
    this.maxOpen = Math.max(this.maxOpen, ++this.open);
    const run = () => {
      const level = this.opened.includes(this.slowFrom) ? 1.2 : 1;
      this.now += (1 + index / 100) * level * (1 + 0.001 * this.random.normal());
      return Promise.resolve();
    };
    const close = () => {
      this.open--;
      return Promise.resolve();
    };
    return Promise.resolve({ ...timedRuns(run, { clock: this.clock }), close });
  };

  measure(count: number, options = {}) {
    const open = Array.from({ length: count }, (_, index) => this.model(index));
    const setting = { open, environment, processorTime: () => 0, clock: this.clock };
    return measureSideBySide(setting, quickProtocol, options);
  }
}

describe('models that are measured side by side', () => {
  it.each([0, 1, maxOpen, maxOpen + 1, 2 * maxOpen - 1, 2 * maxOpen, 200])(
    'are each opened once, some at a time: %i models',
    async (count) => {
      const bench = new Bench();
      const progress: [number, number][] = [];
      const measurements = await bench.measure(count, { onProgress: (...at: [number, number]) => progress.push(at) });
      expect(bench.opened).toEqual(Array.from({ length: count }, (_, index) => index));
      expect(bench.maxOpen).toBe(Math.min(count, maxOpen));
      expect(bench.open).toBe(0);
      for (const [index, { ms }] of measurements.entries())
        expect(Math.abs(ms / (1 + index / 100) - 1)).toBeLessThan(0.01);
      expect(progress.every(([done, total], i) => done > (progress[i - 1]?.[0] ?? 0) && done <= total)).toBe(true);
    },
  );

  it('are scaled to one level when the device changes between groups, with a note', async () => {
    const measurements = await new Bench(maxOpen).measure(2 * maxOpen);
    for (const [index, { ms, interval, samples, environment: own }] of measurements.entries()) {
      expect(Math.abs(ms / (1 + index / 100) - 1)).toBeLessThan(0.01);
      expect(ms >= interval[0] && ms <= interval[1] && samples.some((sample) => sample <= ms)).toBe(true);
      if (index < maxOpen) expect(own.notes).toBeUndefined();
      else expect(own.notes?.[0]).toMatch(/^times 0\.83\d+: the device was (19\.\d|20\.\d) % slower/);
    }
  });

  it('are closed when one cannot be opened, or the user stops', async () => {
    const bench = new Bench();
    const fail = () => Promise.reject(new Error('no model'));
    const setting = { open: [bench.model(0), bench.model(1), fail], environment, processorTime: () => 0 };
    await expect(measureSideBySide(setting, quickProtocol, {})).rejects.toThrow('no model');
    expect(bench.open).toBe(0);
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('stopped'));
    await expect(bench.measure(3, { signal: stop.signal, onProgress })).rejects.toThrow('stopped');
    expect(bench.open).toBe(0);
  });
});
