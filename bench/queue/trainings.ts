import type { CreateJobRunner } from '../../experiments/runner/jobs/local-pool.js';
import { runSearch } from './setting.js';

/** Real trainings, the same ones each time: random networks of a seed. */
const parts = {
  data: { type: 'fashion-mnist', subset: 0.1 },
  train: { epochs: 2, batch: 64 },
  latency: { predictor: 'none' },
} as const;

/** Trials an hour of a search by two workers, from the start of the third trial, as processes start before, to the last end. */
export async function trialsPerHour(
  folder: string,
  name: string,
  workers: CreateJobRunner,
  trials: number,
): Promise<number> {
  const ends: number[] = [];
  await runSearch({ folder, name, parallel: 2, trials, parts, workers }, (event) => {
    if (event.kind === 'trial-finished' && event.stage === 'search') ends.push(performance.now());
  });
  const [, first] = ends;
  return (3_600_000 * (ends.length - 2)) / (ends[ends.length - 1] - first);
}
