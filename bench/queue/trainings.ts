import type { CreateJobRunner } from '../../experiments/runner/jobs/local-pool.js';
import { spentOnEach, type PartSeconds } from './processor-time.js';
import { runSearch } from './setting.js';

/** Real trainings, the same ones each time: random networks of a seed. */
const parts = {
  data: { type: 'fashion-mnist', subset: 0.1 },
  train: { epochs: 2, batch: 64 },
  latency: { predictor: 'none' },
} as const;

/** What trainings cost. */
export interface Trained {
  readonly trialsPerHour: number;
  /** Processor time that each part had for a trial, in seconds. */
  readonly parts: PartSeconds;
}

/**
 * A search by two workers, from the start of the third trial, as processes start before, to the last end.
 * @param seconds processor time that each part has had
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
