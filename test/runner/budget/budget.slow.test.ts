import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadExperiment } from '../../../experiments/index.js';
import { budgetDecisions, budgetMinutes } from '../../../runner/budget/decisions.js';
import { resumeExperiment } from '../../../runner/index.js';
import { experimentOf } from '../../../runner/stored/experiment.js';
import { localWorkers } from '../../../runner/job-runners.js';
import { cachedFolder, reading, writeExperiment } from '../experiment.js';
import { interrupted, trialsFinished } from '../inside.js';

const folder = cachedFolder();
const minutes = 1;

it('ends a run in about its time, also when it stops in between, and decides each thing once', async () => {
  const file = writeExperiment(folder, {
    name: 'budget',
    teacher: null,
    train: '{ batch: 32 }',
    search: '{ controller: random, parallel: 2 }',
    final: null,
  });
  const loaded = loadExperiment(file, { set: [`budget.minutes=${minutes}`] });
  const workdir = join(folder, 'run');
  await interrupted(loaded, workdir, trialsFinished(3), localWorkers);
  const second = await resumeExperiment(workdir, {}, () => undefined);
  expect(second.state).toBe('complete');
  reading(workdir, (store) => {
    expect(budgetDecisions(store).map(({ kind }) => kind)).toEqual(['start', 'trials', 'final']);
    const { search } = experimentOf(store);
    expect(store.trials.all()).toHaveLength(search.trials);
    expect(search.trials).toBeGreaterThan(3);
    expect(store.finals.all().length).toBeGreaterThan(0);
    const { spent = Infinity } = budgetMinutes(store, Date.now) ?? {};
    expect(spent).toBeGreaterThan(0.4 * minutes);
    expect(spent).toBeLessThan(1.4 * minutes);
  });
}, 300_000);
