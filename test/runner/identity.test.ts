import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../experiments/parse/index.js';
import { databasePath } from '../../runner/stored/workdir.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { nasVersion } from '../../base/modules.js';
import { workersNow } from '../../runner/stored/workers.js';
import { environmentOf } from '../../runner/provenance.js';
import { Store } from '../../store/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { findingsOf, writeTable } from './table-experiment.js';
import { cachedFolder, reading, writeExperiment } from './experiment.js';
import { inside, interrupted, trialsFinished } from './inside.js';

const folder = cachedFolder();
const silent = () => undefined;

/** A run that has just begun on a machine that runs more trials at a time. */
function begun() {
  const folder = temporaryFolder();
  const { file } = writeTable(folder);
  const loaded = loadExperiment(file);
  const { experiment, source, written } = loaded;
  const { retries, ...search } = { ...experiment.search, parallel: 4 };
  expect(retries).toBe(0);
  const workdir = join(folder, 'run');
  const { name, seed } = experiment;
  const environment = environmentOf(experiment, 1);
  const settled = { ...experiment, search };
  const meta = { name, seed, source, experiment: settled, written, threads: 1, version: nasVersion(), environment };
  Store.create(databasePath(workdir), meta).close();
  return { file, loaded, workdir };
}

describe('what makes a run the same', () => {
  it.each(['run', 'resume'])(
    'is what was written, not what followed from the machine or a version (%s)',
    async (verb) => {
      const { loaded, workdir } = begun();
      if (verb === 'run') await runExperiment(loaded, { workdir }, silent);
      else await resumeExperiment(workdir, {}, silent);
      const { status, trials } = findingsOf(workdir);
      expect(status).toBe('complete');
      // Four at a time, as when it began.
      expect(trials.map(({ pending }) => pending.length)).toContain(3);
    },
  );

  it('is every value that was written', async () => {
    const { file, workdir } = begun();
    const other = loadExperiment(file, { set: ['search.parallel=2', 'seed=4'] });
    await expect(runExperiment(other, { workdir }, silent)).rejects.toThrow('differs in seed, search.parallel)');
    // Spelt out, a default is the same experiment.
    const same = loadExperiment(file, { set: ['search.parallel=1'] });
    expect((await runExperiment(same, { workdir }, silent)).state).toBe('complete');
  });
});

describe('the workers of a run', () => {
  it('may change from part to part, and are stored', async () => {
    const file = writeExperiment(folder, {
      name: 'changing',
      teacher: null,
      final: null,
      train: '{ epochs: 1, batch: 32 }',
      search: '{ controller: random, trials: 2, parallel: 1 }',
    });
    const workdir = join(folder, 'run');
    await interrupted(loadExperiment(file), workdir, trialsFinished(1));
    const queued = loadExperiment(file, { workers: 'redis://queue.example:6379' });
    expect((await runExperiment(queued, { workdir, workers: inside }, silent)).state).toBe('complete');
    expect(reading(workdir, workersNow)).toMatchObject({ type: 'queue', url: 'redis://queue.example:6379' });
    await resumeExperiment(workdir, { trials: '+1', workersAt: 'pool', workers: inside }, silent);
    expect(reading(workdir, workersNow)).toEqual({ type: 'pool' });
  });
});
