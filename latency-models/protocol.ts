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

/** How long a block goes on. */
export type BlockShape = Pick<Protocol, 'blockMs' | 'minRuns' | 'maxRuns'>;

/** Successive runs of one subject. */
export interface Block {
  /** ms of each run. */
  readonly samples: readonly number[];
  /** Share of the block's time in which the runs had no processor, in [0, 1]; null when that is not known. */
  readonly waited: number | null;
}

/**
 * Something whose runs are timed. A block's first run meets the caches that the subject before left, and is not among
 * its samples.
 */
export interface Subject {
  takeBlock(shape: BlockShape): Promise<Block>;
}

/** The time in ms from any fixed point; `performance.now` in practice. */
export type Clock = () => number;

/** Medians of this many successive blocks must agree before the warm-up ends. */
const warmupWindow = 3;

/** Each look at the interval costs a bootstrap: look again after this share more blocks. */
const lookAgain = 1.1;

/** A block that had no processor for more than this share of its time was disturbed, and is taken again. */
const disturbedShare = 0.03;

/** A timing, and how much of what was taken for it had to be left out. */
export interface InterleavedTiming extends Timing {
  /** Share of the blocks that were disturbed, in [0, 1]; they are left out when enough others remain. */
  readonly disturbed: number;
}

/**
 * Times the runs of several subjects: warms each one up until stationary, then takes blocks in rounds, each round in a
 * new random order, until every confidence interval is tight or `maxBlocks` are taken. Blocks during which something
 * else had the processor do not count as long as there are `minBlocks` others.
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
  let nextLook = protocol.minBlocks;
  for (let round = 1; round <= protocol.maxBlocks; round++) {
    for (const i of random.shuffle(subjects.map((_, index) => index))) {
      blocks[i].push(await subjects[i].takeBlock(protocol));
      advance();
    }
    if (round < nextLook && round < protocol.maxBlocks) continue;
    nextLook = Math.ceil(round * lookAgain);
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
  const timing = summarise(
    counted.map(({ samples }) => samples),
    tolerance,
  );
  return { ...timing, disturbed: 1 - calm.length / blocks.length };
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

/** Cuts off digits that no clock has and that raw samples would be stored with. */
const toNanoseconds = (ms: number): number => Math.round(ms * 1e6) / 1e6;

export interface TimedRunsOptions {
  readonly clock: Clock;
  /**
   * Processor time in ms that the runs have used so far, where one run keeps exactly one processor busy; a block that
   * used much less than it took had to wait for a processor.
   */
  readonly processorTime?: () => number;
}

/**
 * Runs in this process as a subject. Every sample is one run: the clock's tick (below a microsecond) is far under the
 * shortest run, so repeating runs within a sample would only blur the percentiles.
 *
 * @param run has ended when its promise resolves.
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
