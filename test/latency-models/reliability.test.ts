import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { defaultProtocol, timeInterleaved, type Block } from '../../latency-models/index.js';
import { ownProcessorTime, watchLoad } from '../../latency-models/machine.js';
import { reliabilityOf } from '../../latency-models/measure-side-by-side.js';

const calm = { others: 0.02, stolen: 0, cores: 4 };
const timing = {
  ms: 1,
  p50: 1,
  p95: 1.1,
  p99: 1.2,
  interval: [0.995, 1.005] as const,
  converged: true,
  samples: [1],
  disturbed: 0,
};

describe('reliability', () => {
  it('is true without reasons against it', () => {
    expect(reliabilityOf(timing, calm)).toEqual({ reliable: true, reasons: [] });
    expect(reliabilityOf(timing, null)).toEqual({ reliable: true, reasons: [] });
  });

  it.each([
    [{ ...timing, interval: [0.95, 1.05] as const }, calm, 'the 95 % interval is still ±5.0 % of the latency'],
    [{ ...timing, disturbed: 0.7 }, calm, 'something else had the processor in 70 % of the blocks'],
    [timing, { ...calm, others: 1.04 }, 'other programs kept 1.0 of 4 processors busy'],
    [timing, { ...calm, stolen: 0.2 }, 'the host of this virtual machine took 20 % of a processor away'],
  ])('is false with a reason', (found, load, reason) => {
    expect(reliabilityOf(found, load)).toEqual({ reliable: false, reasons: [reason] });
  });

  it('depends on the number of processors', () => {
    expect(reliabilityOf(timing, { ...calm, others: 0.9, cores: 32 }).reliable).toBe(true);
  });
});

describe('disturbed blocks', () => {
  /** Blocks of 1 ms; disturbed ones take 5 ms without a processor. */
  const measure = async (isDisturbed: (block: number) => boolean) => {
    let [now, taken] = [0, 0];
    const takeBlock = (): Promise<Block> => {
      const disturbed = isDisturbed(taken++);
      now += 50;
      const samples = Array.from({ length: 10 }, () => (disturbed ? 5 : 1));
      return Promise.resolve({ samples, waited: disturbed ? 0.8 : 0.001 });
    };
    const [found] = await timeInterleaved([{ takeBlock }], { ...defaultProtocol, warmupMs: 0 }, () => now);
    return { found, taken };
  };

  it('are repeated and left out', async () => {
    const { found, taken } = await measure((block) => block % 2 === 0);
    expect(found).toMatchObject({ ms: 1, p50: 1, p95: 5, converged: true });
    expect(found.disturbed).toBeCloseTo(0.5, 1);
    expect(taken).toBeGreaterThanOrEqual(2 * defaultProtocol.minBlocks - 1);
  });

  it('count when there are hardly any others', async () => {
    const { found, taken } = await measure((block) => block % 10 !== 0);
    expect(found.ms).toBeGreaterThan(4);
    expect(found.disturbed).toBeCloseTo(0.9, 1);
    expect(taken).toBe(defaultProtocol.maxBlocks);
  });
});

describe('the load of the machine', () => {
  it('counts other programs, not the measurement itself', async () => {
    const load = watchLoad(ownProcessorTime);
    const other = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
    await sleep(700);
    const { others, cores } = load();
    other.kill('SIGKILL');
    // On a machine with more work than processors the other program gets its share only.
    expect(others).toBeGreaterThan(0.3);
    expect(others).toBeLessThanOrEqual(cores + 0.5);
  });
});
