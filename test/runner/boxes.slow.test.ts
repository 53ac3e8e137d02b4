import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { frontierModel, trialFolder, weightsFile } from '../../runner/stored/workdir.js';
import { readMetadata } from '../../deploy/index.js';
import type { BoxesConfig } from '../../trainers/index.js';
import { makeBoxedImages } from '../support/boxed-images.js';
import { writeBoxesExperiment } from './boxes-experiment.js';
import { cachedFolder, reading } from './experiment.js';
import { interruptInside, messagesOf, runInside } from './inside.js';

const folder = cachedFolder();
let data: BoxesConfig;
beforeAll(async () => {
  data = await makeBoxedImages(join(folder, 'images'), { count: 60 });
});

const trials = (workdir: string) => reading(workdir, (store) => store.trials.all());

async function run(name: string, changes: object = {}): Promise<string> {
  const workdir = join(folder, name);
  await runInside(writeBoxesExperiment(folder, name, data, changes), workdir);
  return workdir;
}

const one = { controller: 'random', trials: 1, parallel: 1 };

describe('a search of detectors', () => {
  it('in int8 has files with thresholds of their own', async () => {
    const compress = { int8: 'require', max_accuracy_drop: 0, calibration: { images: 16 } };
    const workdir = await run('int8', { search: one, compress, final: { epochs: 3 } });
    const file = readFileSync(join(workdir, frontierModel(0, 'int8')));
    const { precision, detection, accuracy } = readMetadata(file);
    expect([precision, detection?.thresholds?.length]).toEqual(['int8', 2]);
    expect(accuracy).toMatchObject({ validation: expect.any(Number) as number, test: expect.any(Number) as number });
  });

  it('stops partial trainings', async () => {
    const search = { controller: 'random', trials: 5, parallel: 1, fidelity: { type: 'freeze-thaw', min_epochs: 1 } };
    const workdir = await run('freeze-thaw', { search, train: { epochs: 4, batch: 8 }, final: 'none' });
    expect(trials(workdir).some(({ state }) => state === 'complete')).toBe(true);
  });

  it('cross-validates, in an own size of each network, with other objectives and a bound of memory', async () => {
    const space = { type: 'mobilenet', preset: 'detector', width: 0.5, resolution: [32, 48], detect: { width: 8 } };
    const workdir = await run('folds', {
      ...{ space, objectives: ['ap', 'f1', 'sram_bytes'], constraints: { flash_kb: 500 } },
      search: { ...one, trials: 2 },
      final: { epochs: 2, folds: 2 },
    });
    const folds = reading(workdir, ({ finals }) => [...finals.folds().values()].flat());
    expect(folds.length).toBeGreaterThanOrEqual(2);
    expect(folds.every(({ accuracy }) => accuracy !== null)).toBe(true);
    expect(Object.keys(trials(workdir)[0].values)).toEqual(expect.arrayContaining(['ap50', 'ap', 'f1', 'sram_bytes']));
  });

  it('starts from the weights of a detector', async () => {
    const first = await run('first', { search: one, final: 'none' });
    const from = join(first, trialFolder('search', 0), weightsFile);
    const workdir = await run('second', { search: one, train: { epochs: 1, batch: 8, from }, final: 'none' });
    const [before, after] = [first, workdir].map((where) =>
      reading(where, (store) => store.curves.of({ stage: 'search', trial: 0 })),
    );
    expect(after[0].trainLoss).toBeLessThan(before[0].trainLoss);
  });

  it('teaches by a detector that it trains first, and continues after an interruption', async () => {
    const teacher = { type: 'train', network: 'mobilenet', width: 0.25, epochs: 1, batch: 8 };
    const changes = {
      name: 'taught',
      teacher,
      search: { controller: 'random', trials: 2, parallel: 1 },
      final: 'none',
    };
    const path = (file: string) => writeBoxesExperiment(folder, file, data, changes);
    const workdir = join(folder, 'taught');
    const { expected, events } = await runInside(path('taught'), workdir);
    expect(messagesOf(events).join('\n')).toMatch(/The teacher, mobilenet \(width 0.25\), has a validation AP50 of \d/);
    expect(await interruptInside(path('taught-parts'), join(folder, 'taught-parts'), 1)).toEqual(expected);
  });

  it('takes networks from a supernet, straight and tuned', async () => {
    const shared = { supernet: { steps: 6, networks: 1 }, search: { evaluate: 'supernet', trials: 3, parallel: 1 } };
    const changes = { name: 'shared', ...shared, final: { steps: 6 } };
    const path = (file: string) => writeBoxesExperiment(folder, file, data, changes);
    const workdir = join(folder, 'shared');
    const { expected } = await runInside(path('shared'), workdir);
    for (const { accuracy } of reading(workdir, ({ finals }) => finals.all())) expect(accuracy).toBeGreaterThan(0);
    expect(await interruptInside(path('shared-parts'), join(folder, 'shared-parts'), 2)).toEqual(expected);
  });
});
