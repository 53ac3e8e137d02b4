import { Random } from '../base/random.js';
import type { MeasureOptions, Protocol, Timing } from './device.js';
import { quantile } from '../base/statistics.js';
import { ascending, blockBootstrap, interquartileMean, median } from './statistics.js';

/** Half a second (on an idle machine) to a second for a model of 0.3 ms. */
export const defaultProtocol: Protocol = {
  warmupMs: 200,
  blockMs: 12,
  minRuns: 5,
  maxRuns: 40,
  minBlocks: 15,
  maxBlocks: 60,
  tolerance: 0.01,
};

export type BlockShape = Pick<Protocol, 'blockMs' | 'minRuns' | 'maxRuns'>;

/** Successive runs of one subject. */
export interface Block {
  /** ms of each run. */
  readonly samples: readonly number[];
  /** Share of the block's time in which the runs waited for a processor, in [0, 1]; null if unknown. */
  readonly waited: number | null;
}

/** Something to time. The first run of a block finds the caches of another subject and is not among its samples. */
export interface Subject {
  takeBlock(shape: BlockShape): Promise<Block>;
}

/** The time in ms since any fixed point. */
export type Clock = () => number;

/** The warm-up ends when the medians of this many successive blocks agree. */
const warmupWindow = 3;

/** Growth of the number of blocks between two checks of the interval, each of which costs a bootstrap. */
const checkGrowth = 1.1;

/** A block that waited for a processor for more than this share of its time is disturbed, and taken again. */
const disturbedShare = 0.03;

/** Least number of runs for a 99th percentile: ten runs are slower than it. */
const leastForP99 = 1000;

export interface InterleavedTiming extends Timing {
  /** Share of disturbed blocks, in [0, 1]; p95 and p99 count them; the other values do not when enough others remain. */
  readonly disturbed: number;
}

/**
 * Times several subjects: warms each one up until it is stationary, then takes blocks in rounds of random order, until every
 * confidence interval is tight or each subject has `maxBlocks`. Disturbed blocks count only if there are fewer than
 * `minBlocks` others.
 */
export async function timeInterleaved(
  subjects: readonly Subject[],
  protocol: Protocol,
  clock: Clock,
  { onProgress, signal }: MeasureOptions = {},
): Promise<InterleavedTiming[]> {
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
  const blocks = subjects.map((): Block[] => []);
  let timings: InterleavedTiming[] = [];
  let nextCheck = protocol.minBlocks;
  for (let round = 1; round <= protocol.maxBlocks; round++) {
    for (const i of random.shuffle(subjects.map((_, index) => index))) {
      blocks[i].push(await subjects[i].takeBlock(protocol));
      advance();
    }
    if (round < nextCheck && round < protocol.maxBlocks) continue;
    nextCheck = Math.ceil(round * checkGrowth);
    if (round < protocol.maxBlocks && blocks.some((taken) => calmOf(taken).length < protocol.minBlocks)) continue;
    timings = blocks.map((taken) => judge(taken, protocol));
    if (timings.every(({ converged }) => converged)) break;
  }
  return timings;
}

async function warmUp(subject: Subject, protocol: Protocol, clock: Clock): Promise<void> {
  const end = clock() + protocol.warmupMs;
  const medians: number[] = [];
  while (clock() < end) {
    medians.push(median((await subject.takeBlock(protocol)).samples));
    const last = medians.slice(-warmupWindow);
    const [low, high] = [Math.min(...last), Math.max(...last)];
    if (last.length === warmupWindow && high - low <= 2 * protocol.tolerance * low) return;
  }
}

const calmOf = (blocks: readonly Block[]): readonly Block[] =>
  blocks.filter(({ waited }) => waited === null || waited <= disturbedShare);

function judge(blocks: readonly Block[], { minBlocks, tolerance }: Protocol): InterleavedTiming {
  const calm = calmOf(blocks);
  const counted = calm.length >= minBlocks ? calm : blocks;
  const samplesOf = (some: readonly Block[]) => some.map(({ samples }) => samples);
  const timing = summarise(samplesOf(counted), tolerance, samplesOf(blocks));
  return { ...timing, disturbed: 1 - calm.length / blocks.length };
}

/**
 * Centre, percentiles and interval of blocks of samples.
 * @param all blocks for p95 and p99, with the disturbed ones: these percentiles describe slow runs
 */
export function summarise(
  blocks: readonly (readonly number[])[],
  tolerance: number,
  all: readonly (readonly number[])[] = blocks,
): Timing {
  const samples = blocks.flat();
  const sorted = ascending(samples);
  const every = ascending(all.flat());
  const ms = interquartileMean(sorted);
  const interval = blockBootstrap(blocks, new Random(0, 'latency-bootstrap'));
  return {
    ms,
    p50: quantile(sorted, 0.5),
    p95: quantile(every, 0.95),
    p99: every.length < leastForP99 ? null : quantile(every, 0.99),
    interval,
    converged: interval[1] - interval[0] <= 2 * tolerance * ms,
    samples,
  };
}

/** Removes digits beyond any clock's resolution, which stored samples would carry. */
const toNanoseconds = (ms: number): number => Math.round(ms * 1e6) / 1e6;

export interface TimedRunsOptions {
  readonly clock: Clock;
  /** Processor time in ms that the runs have used so far, if a run keeps exactly one processor busy. */
  readonly processorTime?: () => number;
}

/**
 * Runs in this process as a subject. Every sample is one run: the clock's tick is far below the shortest run, so repeating
 * runs within a sample would only blur the percentiles.
 */
export function timedRuns(run: () => Promise<unknown>, { clock, processorTime }: TimedRunsOptions): Subject {
  const takeBlock = async ({ blockMs, minRuns, maxRuns }: BlockShape): Promise<Block> => {
    await run();
    const samples: number[] = [];
    const used = processorTime?.();
    const begin = clock();
    let now = begin;
    while (samples.length < minRuns || (now - begin < blockMs && samples.length < maxRuns)) {
      const start = clock();
      await run();
      now = clock();
      samples.push(toNanoseconds(now - start));
    }
    const waited =
      processorTime === undefined || used === undefined
        ? null
        : Math.max(0, 1 - (processorTime() - used) / (now - begin));
    return { samples, waited };
  };
  return { takeBlock };
}
