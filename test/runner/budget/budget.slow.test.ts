import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadExperiment } from '../../../experiments/index.js';
import { budgetDecisions, budgetMinutes } from '../../../runner/budget/decisions.js';
import { resumeExperiment, runExperiment } from '../../../runner/index.js';
import { experimentOf } from '../../../runner/stored/experiment.js';
import { cachedFolder, reading, writeExperiment } from '../experiment.js';

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
  const stop = new AbortController();
  let ended = 0;
  const first = await runExperiment(loaded, { workdir, signal: stop.signal }, ({ kind }) => {
    if (kind === 'trial-finished' && ++ended === 3) stop.abort();
  });
  expect(first.state).toBe('interrupted');
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
