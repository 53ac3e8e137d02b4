import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadExperiment } from '../../../experiments/index.js';
import { resumeExperiment, runExperiment } from '../../../runner/index.js';
import { WorkerDied } from '../../../runner/jobs/job-runner.js';
import type { Job } from '../../../runner/jobs/jobs.js';
import { cachedFolder, writeExperiment } from '../experiment.js';
import { insideExcept } from '../inside.js';

const directory = cachedFolder();
const nothing = () => undefined;

/** Jobs of a kind kill their workers, once in each part of the run, until the run is stopped. */
const killing = (kind: Job['kind'], all: (number | undefined)[]) => () =>
  insideExcept(({ job, deaths }, listener) => {
    if (job.kind !== kind) return undefined;
    all.push(deaths);
    listener?.retry?.(2 + (deaths ?? 0), 10, 'killed');
    return new WorkerDied('killed again');
  });

const supernet = {
  name: 'shared',
  teacher: 'none',
  train: null,
  supernet: '{ epochs: 1, batch: 32 }',
  search: '{ controller: random, trials: 2, evaluate: supernet }',
  final: 'none',
};

it.each([
  ['teacher', {}],
  ['supernet', supernet],
] as const)('workers that die on the %s count over all resumes of the run', async (kind, changes) => {
  const file = writeExperiment(join(directory, kind), changes);
  const workdir = join(directory, kind, 'run');
  const deaths: (number | undefined)[] = [];
  const workers = killing(kind, deaths);
  await expect(runExperiment(loadExperiment(file), { workdir, workers }, nothing)).rejects.toThrow('killed again');
  for (let i = 0; i < 2; i++)
    await expect(resumeExperiment(workdir, { workers }, nothing)).rejects.toThrow('killed again');
  expect(deaths).toEqual([undefined, 1, 2]);
});
