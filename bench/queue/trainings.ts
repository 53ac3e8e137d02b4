import type { CreateJobRunner } from '../../runner/job-runners.js';
import { spentOnEach, type PartSeconds } from './processor-time.js';
import { runSearch } from './setting.js';

/** Real trainings of the same random networks in every run. */
const parts = {
  data: { type: 'fashion-mnist', subset: 0.1 },
  train: { epochs: 2, batch: 64 },
  latency: { predictor: 'none' },
} as const;

/** Rate and cost of trainings. */
export interface Trained {
  readonly trialsPerHour: number;
  /** CPU seconds of each part per trial. */
  readonly parts: PartSeconds;
}

/**
 * Times a search with two workers from the end of the second trial, when all processes run, to the last end.
 * @param seconds reads the CPU seconds of each part
 */
export async function trainTrials(
  folder: string,
  name: string,
  workers: CreateJobRunner,
  trials: number,
  seconds: () => PartSeconds,
): Promise<Trained> {
  const ends: { readonly at: number; readonly parts: PartSeconds }[] = [];
  await runSearch({ folder, name, parallel: 2, trials, parts, workers }, (event) => {
    if (event.kind === 'trial-finished' && event.stage === 'search')
      ends.push({ at: performance.now(), parts: seconds() });
  });
  const [first, last] = [ends[1], ends[ends.length - 1]];
  const count = ends.length - 2;
  return {
    trialsPerHour: (3_600_000 * count) / (last.at - first.at),
    parts: spentOnEach(count, first.parts, last.parts),
  };
}
