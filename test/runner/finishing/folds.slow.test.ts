import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { frontierTable } from '../../../cli/output/trials.js';
import { loadExperiment } from '../../../experiments/parse/index.js';
import { collectFinals, collectReport } from '../../../reports/index.js';
import { resumeExperiment, runExperiment } from '../../../runner/index.js';
import { type RunEvent } from '../../../runner/events.js';
import { databasePath } from '../../../runner/stored/workdir.js';
import { Store, type FoldRecord } from '../../../store/index.js';
import { renderPage } from '../../../ui/index.js';
import { cachedFolder, reading, writeExperiment } from '../experiment.js';
import { inside, interrupted } from '../inside.js';

const folder = cachedFolder();

const experiment = (name: string, changes: Parameters<typeof writeExperiment>[1] = {}) =>
  loadExperiment(
    writeExperiment(folder, {
      name,
      teacher: 'none',
      train: '{ epochs: 1, batch: 32 }',
      search: '{ controller: random, trials: 2, parallel: 1 }',
      final: '{ epochs: 1, folds: 2 }',
      ...changes,
    }),
  );

const foldsIn = (workdir: string): ReadonlyMap<number, readonly FoldRecord[]> =>
  reading(workdir, (store) => store.finals.folds());
const accuraciesIn = (workdir: string) =>
  [...foldsIn(workdir)].map(([trial, records]) => [trial, records.map(({ fold, accuracy }) => [fold, accuracy])]);

describe('a final training with folds', () => {
  it('stores the accuracy of every network of the frontier on every fold, and shows mean and standard error', async () => {
    const workdir = join(folder, 'whole');
    const events: RunEvent[] = [];
    await runExperiment(experiment('whole'), { workdir, workers: inside }, (event) => events.push(event));
    const finals = reading(workdir, (store) => store.finals.all());
    const folds = foldsIn(workdir);
    expect([...folds.keys()].sort()).toEqual(finals.map(({ trial }) => trial));
    for (const records of folds.values()) {
      expect(records.map(({ fold, of }) => [fold, of])).toEqual([0, 1].map((fold) => [fold, 2]));
      expect(records.every(({ accuracy }) => accuracy !== null && accuracy > 0 && accuracy <= 1)).toBe(true);
    }
    expect(events).toContainEqual(
      expect.objectContaining({
        kind: 'progress',
        unit: 'trainings',
        done: 2 * finals.length,
        total: 2 * finals.length,
      }),
    );
    // The weights of the folds are of no further use.
    expect(
      readdirSync(join(workdir, 'artifacts', 'folds')).flatMap((name) =>
        readdirSync(join(workdir, 'artifacts', 'folds', name)),
      ),
    ).toEqual([]);
    const [first] = finals;
    const summary = reading(workdir, (store) => collectFinals(store).of({ number: first.trial })?.folds);
    const known = folds.get(first.trial)?.flatMap(({ accuracy }) => accuracy ?? []) ?? [];
    const mean = known.reduce((sum, accuracy) => sum + accuracy, 0) / 2;
    const deviation = Math.sqrt(known.reduce((sum, accuracy) => sum + (accuracy - mean) ** 2, 0));
    expect(summary?.mean).toBeCloseTo(mean, 12);
    expect(summary?.standardError).toBeCloseTo(deviation / Math.sqrt(2), 12);
    const colors = { bold: String, dim: String, red: String, green: String, yellow: String, cyan: String } as never;
    const table = reading(workdir, (store) => frontierTable(store, 'runs/a', colors));
    expect(table).toContain('2-fold accuracy');
    expect(table).toContain(` ± ${(100 * (summary?.standardError ?? 0)).toFixed(1)}`);
    const store = Store.open(databasePath(workdir), { readonly: true });
    const report = await collectReport(store);
    store.close();
    expect(report.frontier[0].final?.folds?.folds).toBe(2);
    expect(renderPage(report)).toContain('2-fold accuracy');
  });

  it('goes on where it was stopped, with the same accuracies', async () => {
    const workdir = join(folder, 'stopped');
    const isLast = (event: RunEvent) => event.kind === 'progress' && event.unit === 'trainings' && event.done === 1;
    await interrupted(experiment('whole'), workdir, isLast);
    const before = [...foldsIn(workdir).values()].flat().length;
    expect(before).toBeGreaterThanOrEqual(1);
    await resumeExperiment(workdir, { workers: inside }, () => undefined);
    expect(accuraciesIn(workdir)).toEqual(accuraciesIn(join(folder, 'whole')));
  });

  it('trains a teacher for each fold, without its validation images', async () => {
    const workdir = join(folder, 'taught');
    const teacher = '{ type: train, network: mobilenet, width: 0.25, epochs: 1, batch: 32 }';
    const search = '{ controller: random, trials: 1, parallel: 1 }';
    const final = '{ epochs: 1, folds: 2 }';
    const before = new Set(
      existsSync(join(folder, 'cache', 'teachers')) ? readdirSync(join(folder, 'cache', 'teachers')) : [],
    );
    await runExperiment(
      experiment('taught', { teacher, search, final }),
      { workdir, workers: inside },
      () => undefined,
    );
    const made = readdirSync(join(folder, 'cache', 'teachers')).filter((name) => !before.has(name));
    // Of the usual split, and of each fold.
    expect(made.filter((name) => /^[0-9a-f]{32}$/.test(name))).toHaveLength(3);
    expect(made.filter((name) => name.endsWith('.f32'))).toHaveLength(3);
    expect([...foldsIn(workdir).values()].flat()).toHaveLength(2);
  });

  it('takes five folds of few images by itself, and none of many', async () => {
    const { foldsOf } = await import('../../../experiments/schema/experiment.js');
    const counts = (train: number) => ({ train, validation: 99, test: 0 });
    expect(foldsOf({ folds: 'auto' }, counts(900))).toBe(5);
    expect(foldsOf({ folds: 'auto' }, counts(901))).toBeNull();
    expect(foldsOf({ folds: 3 }, counts(90000))).toBe(3);
    expect(foldsOf({}, counts(100))).toBeNull();
  });
});
