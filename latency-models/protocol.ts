import { Random } from '../base/random.js';
import type { MeasureOptions, Protocol, Timing } from './device.js';
import { ascending, blockBootstrap, interquartileMean, median, quantile } from './statistics.js';

/** About half a second to a second for a model of 0.3 ms, on a quiet machine the former. */
export const defaultProtocol: Protocol = {
  warmupMs: 200,
  blockMs: 12,
  minRuns: 5,
  maxRuns: 40,
  minBlocks: 15,
  maxBlocks: 60,
  tolerance: 0.01,
};

/** Something whose runs are timed; a run has ended when its promise resolves. */
export interface Subject {
  run(): Promise<unknown>;
}

/** The time in ms from any fixed point; `performance.now` in practice. */
export type Clock = () => number;

/** Medians of this many successive blocks must agree before the warm-up ends. */
const warmupWindow = 3;

/** Each look at the interval costs a bootstrap: look again after this share more blocks. */
const lookAgain = 1.1;

/**
 * Times the runs of several subjects: warms each one up until stationary, then takes blocks in rounds, each round in a
 * new random order, until every confidence interval is tight or `maxBlocks` are taken.
 *
 * Every sample is one run: the clock's tick (below a microsecond) is far under the shortest run, so repeating runs
 * within a sample would only blur the percentiles. The first run of a block meets the caches that the previous subject
 * left and is not counted.
 */
export async function timeInterleaved(
  subjects: readonly Subject[],
  protocol: Protocol,
  clock: Clock,
  { onProgress, signal }: MeasureOptions = {},
): Promise<Timing[]> {
  const random = new Random(0, 'latency-protocol');
  const total = subjects.length * (1 + protocol.maxBlocks);
  let done = 0;
  const advance = () => {
    signal?.throwIfAborted();
    done++;
    onProgress?.(done, total);
  };
  for (const subject of subjects) {
    await warmUp(subject, protocol, clock);
    advance();
  }
  const blocks = subjects.map((): number[][] => []);
  let timings: Timing[] = [];
  let nextLook = protocol.minBlocks;
  for (let round = 1; round <= protocol.maxBlocks; round++) {
    for (const i of random.shuffle(subjects.map((_, index) => index))) {
      await subjects[i].run();
      blocks[i].push(await takeBlock(subjects[i], protocol, clock));
      advance();
    }
    if (round < nextLook && round < protocol.maxBlocks) continue;
    timings = blocks.map((taken) => summarise(taken, protocol.tolerance));
    if (timings.every(({ converged }) => converged)) break;
    nextLook = Math.ceil(round * lookAgain);
  }
  return timings;
}

async function warmUp(subject: Subject, protocol: Protocol, clock: Clock): Promise<void> {
  const end = clock() + protocol.warmupMs;
  const medians: number[] = [];
  while (clock() < end) {
    medians.push(median(await takeBlock(subject, protocol, clock)));
    const last = medians.slice(-warmupWindow);
    const [low, high] = [Math.min(...last), Math.max(...last)];
    if (last.length === warmupWindow && high - low <= 2 * protocol.tolerance * low) return;
  }
}

/** Cuts off digits that no clock has and that raw samples would be stored with. */
const toNanoseconds = (ms: number): number => Math.round(ms * 1e6) / 1e6;

async function takeBlock(subject: Subject, protocol: Protocol, clock: Clock): Promise<number[]> {
  const samples: number[] = [];
  const begin = clock();
  let now = begin;
  while (samples.length < protocol.minRuns || (now - begin < protocol.blockMs && samples.length < protocol.maxRuns)) {
    const start = clock();
    await subject.run();
    now = clock();
    samples.push(toNanoseconds(now - start));
  }
  return samples;
}

/** Centre, percentiles and interval of blocks of samples. */
export function summarise(blocks: readonly (readonly number[])[], tolerance: number): Timing {
  const samples = blocks.flat();
  const sorted = ascending(samples);
  const ms = interquartileMean(sorted);
  const interval = blockBootstrap(blocks, new Random(0, 'latency-bootstrap'));
  return {
    ms,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    interval,
    converged: interval[1] - interval[0] <= 2 * tolerance * ms,
    samples,
  };
}
