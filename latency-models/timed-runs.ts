import type { Block, BlockShape, Clock, Subject } from './protocol.js';

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
