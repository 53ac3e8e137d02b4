import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import {
  defaultProtocol,
  timedRuns,
  timeInterleaved,
  type Protocol,
  type Subject,
} from '../../latency-models/index.js';

/** Subjects on a clock of their own: a run takes as long as its distribution says, and nothing else takes time. */
class Bench {
  now = 0;
  readonly runs: string[] = [];
  readonly clock = () => this.now;

  subject(name: string, duration: (now: number, run: number) => number): Subject {
    let count = 0;
    const run = () => {
      this.runs.push(name);
      this.now += duration(this.now, count++);
      return Promise.resolve();
    };
    return timedRuns(run, { clock: this.clock });
  }

  measure(duration: (now: number, run: number) => number, protocol: Protocol = defaultProtocol) {
    return timeInterleaved([this.subject('only', duration)], protocol, this.clock);
  }
}

describe('the measurement protocol', () => {
  it('converges early to the centre of a stationary distribution', async () => {
    const random = new Random(1);
    const bench = new Bench();
    const [timing] = await bench.measure(() => 0.3 * (1 + 0.03 * random.normal()));
    expect(timing.converged).toBe(true);
    expect(Math.abs(timing.ms / 0.3 - 1)).toBeLessThan(0.01);
    expect(timing.interval[0]).toBeLessThanOrEqual(timing.ms);
    expect(timing.interval[1]).toBeGreaterThanOrEqual(timing.ms);
    expect(timing.p50).toBeLessThan(timing.p95);
    expect(timing.samples.length).toBeGreaterThanOrEqual(defaultProtocol.minBlocks * defaultProtocol.minRuns);
    expect(bench.now).toBeLessThan(1000);
  });

  it('ends within about a second for 0.3 ms of any noise', async () => {
    const random = new Random(2);
    const bench = new Bench();
    const [timing] = await bench.measure((now) => 0.3 * (1 + Math.abs(random.normal()) * (Math.floor(now / 12) % 2)));
    expect(timing.converged).toBe(false);
    expect(bench.now).toBeGreaterThan(500);
    expect(bench.now).toBeLessThan(1200);
  });

  it('leaves a slow start out', async () => {
    const [timing] = await new Bench().measure((_, run) => (run < 40 ? 5 - run / 10 : 1));
    expect(timing).toMatchObject({ ms: 1, p95: 1, converged: true, interval: [1, 1] });
  });

  it('does not count the first run of a block', async () => {
    const bench = new Bench();
    const cold: string[] = [];
    const subject = (name: string) =>
      bench.subject(name, () => {
        const before = cold[cold.length - 1];
        cold.push(name);
        return before === name ? 1 : 3;
      });
    const timings = await timeInterleaved([subject('a'), subject('b')], defaultProtocol, bench.clock);
    for (const { samples } of timings) expect(Math.max(...samples)).toBe(1);
  });

  it('does not converge while the device drifts', async () => {
    const [timing] = await new Bench().measure((now) => 0.3 * (1 + now / 1000));
    expect(timing.converged).toBe(false);
    expect(timing.interval[1] - timing.interval[0]).toBeGreaterThan(0.02 * timing.ms);
  });

  it('does not converge between two speeds', async () => {
    const [timing] = await new Bench().measure((now) => (Math.floor(now / 100) % 2 === 0 ? 1 : 1.5));
    expect(timing.converged).toBe(false);
    expect(timing.ms).toBeGreaterThanOrEqual(1);
    expect(timing.ms).toBeLessThanOrEqual(1.5);
  });

  it('has a centre that ignores a heavy tail, and percentiles that show it', async () => {
    const random = new Random(5);
    const [timing] = await new Bench().measure(
      () => 0.3 * (1 + 0.02 * random.normal()) + (random.uniform() < 0.1 ? 2 + 5 * random.uniform() : 0),
    );
    expect(Math.abs(timing.ms / 0.3 - 1)).toBeLessThan(0.03);
    expect(timing.p95).toBeGreaterThan(2);
  });

  it('has a 99th percentile only of a thousand runs', async () => {
    const random = new Random(6);
    const measured = async (minBlocks: number) => {
      const protocol = { ...defaultProtocol, minBlocks };
      const [timing] = await new Bench().measure(() => 0.3 * (1 + 0.01 * random.normal()), protocol);
      return timing;
    };
    const few = await measured(24);
    expect(few.samples).toHaveLength(960);
    expect(few.p99).toBeNull();
    const enough = await measured(25);
    expect(enough.samples).toHaveLength(1000);
    expect(enough.p99).toBeGreaterThan(enough.p95);
    expect(enough.p99).toBeLessThan(0.33);
  });

  it('counts disturbed blocks in the percentiles of slow runs, and in nothing else', async () => {
    let block = 0;
    const subject: Subject = {
      takeBlock: () => {
        const disturbed = block++ % 5 === 4;
        return Promise.resolve({
          samples: new Array<number>(40).fill(disturbed ? 9 : 1),
          waited: disturbed ? 0.5 : 0,
        });
      },
    };
    const protocol = { ...defaultProtocol, warmupMs: 0, minBlocks: 24 };
    const [timing] = await timeInterleaved([subject], protocol, () => 0);
    expect(timing).toMatchObject({ ms: 1, p50: 1, p95: 9, p99: 9, interval: [1, 1], converged: true });
    expect(timing.disturbed).toBeCloseTo(0.2, 1);
    expect(new Set(timing.samples)).toEqual(new Set([1]));
  });

  it('bounds the runs of very short and very long models', async () => {
    const [short] = await new Bench().measure(() => 0.001);
    expect(short.samples.length).toBe(defaultProtocol.minBlocks * defaultProtocol.maxRuns);
    const [long] = await new Bench().measure(() => 500);
    expect(long.samples.length).toBe(defaultProtocol.minBlocks * defaultProtocol.minRuns);
  });

  it('keeps the order of models on a drifting device', async () => {
    const bench = new Bench();
    const random = new Random(7);
    const duration = (base: number) => (now: number) => base * (1 + now / 2000) * (1 + 0.01 * random.normal());
    const subjects = [1.04, 1, 1.02].map((base) => bench.subject(String(base), duration(base)));
    const [slow, fast, middle] = await timeInterleaved(subjects, defaultProtocol, bench.clock);
    expect(slow.converged).toBe(false);
    expect(fast.ms).toBeLessThan(middle.ms);
    expect(middle.ms).toBeLessThan(slow.ms);
    expect(Math.abs(slow.ms / fast.ms / 1.04 - 1)).toBeLessThan(0.01);
  });

  it('takes a block of every model in every round, in random order', async () => {
    const bench = new Bench();
    const names = ['a', 'b', 'c'];
    const protocol = { ...defaultProtocol, warmupMs: 0, minRuns: 2, maxRuns: 2, minBlocks: 10 };
    await timeInterleaved(
      names.map((name) => bench.subject(name, () => 1)),
      protocol,
      bench.clock,
    );
    expect(bench.runs).toHaveLength(10 * 3 * 3);
    const rounds = Array.from({ length: 10 }, (_, i) => bench.runs.slice(9 * i, 9 * i + 9));
    for (const round of rounds) expect([...round].sort().join('')).toBe('aaabbbccc');
    expect(new Set(rounds.map((round) => round.join(''))).size).toBeGreaterThan(2);
  });

  it('reports progress up to its bound and stops between blocks', async () => {
    const bench = new Bench();
    const progress: number[] = [];
    let bound = 0;
    const onProgress = (done: number, total: number) => {
      progress.push(done);
      bound = total;
    };
    await timeInterleaved([bench.subject('a', () => 1)], defaultProtocol, bench.clock, { onProgress });
    expect(progress).toEqual(Array.from({ length: progress.length }, (_, i) => i + 1));
    expect(bound).toBe(1 + defaultProtocol.maxBlocks);

    const stop = new AbortController();
    const stopped = timeInterleaved([bench.subject('a', () => 1)], defaultProtocol, bench.clock, {
      signal: stop.signal,
      onProgress: (done) => {
        if (done === 3) stop.abort(new Error('enough'));
      },
    });
    await expect(stopped).rejects.toThrow('enough');
  });

  it('accepts no models', async () => {
    expect(await timeInterleaved([], defaultProtocol, () => 0)).toEqual([]);
  });
});
