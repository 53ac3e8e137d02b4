import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportOnnx, readMetadata } from '../../../deploy/index.js';
import { evaluateOnSplit } from '../../../runner/models/on-dataset.js';
import { loadExperiment, trainingOf } from '../../../experiments/parse/index.js';
import { resumeExperiment } from '../../../runner/index.js';
import { databasePath } from '../../../runner/stored/workdir.js';
import { trainedModel } from '../../../runner/exporting/trained-model.js';
import { Store } from '../../../store/index.js';
import { prepareDataset } from '../../../trainers/index.js';
import { drawReport } from '../../../api/report.js';
import { cachedFolder, reading, writeExperiment } from '../experiment.js';
import { runInside, interrupted } from '../inside.js';

const silent = () => undefined;

const directory = cachedFolder();

const small = {
  teacher: null,
  supernet: '{ epochs: 2, networks: 1, hold: 4, calibration: 64 }',
  train: '{ epochs: 1, batch: 32, augment: [flip, crop], checkpoint_seconds: 0.1 }',
  search: '{ controller: random, trials: 2, parallel: 2, retries: 10 }',
  final: '{ epochs: 1 }',
};

/** The workdir of a run whose candidates inherit, which the other tests take the supernet of. */
const first = () => join(directory, 'first');

/** Slices of the supernet of `first`, kept as they are. */
const slices = (name: string, changes: Parameters<typeof writeExperiment>[1] = {}) =>
  writeExperiment(directory, {
    ...small,
    name,
    supernet: `{ from: ${first()} }`,
    search: '{ evaluate: supernet, controller: random, trials: 2, parallel: 2 }',
    final: 'none',
    ...changes,
  });

describe('a run whose candidates inherit', () => {
  it('trains the supernet, then candidates and finals from it', { timeout: 300_000 }, async () => {
    const file = writeExperiment(directory, { ...small, name: 'first' });
    const { expected } = await runInside(file, first(), { report: drawReport });
    const { trials, supernet, finals, curves } = expected;
    expect(supernet.curve).toHaveLength(2);
    expect(supernet.weights).not.toBeNull();
    for (const { values } of trials)
      expect(Object.keys(values).filter((name) => name.includes('accuracy'))).toEqual([
        'inherited_accuracy',
        'balanced_accuracy',
      ]);
    expect(curves.map(([search]) => search.length)).toEqual([1, 1]);
    expect(finals.length).toBeGreaterThan(0);
    for (const { from, epochs } of finals) expect([from, epochs]).toEqual(['supernet', 1]);
  });

  it('says so in its files', () => {
    const model = reading(first(), ({ artifacts }) => artifacts.all().find(({ kind }) => kind === 'onnx'));
    expect(readMetadata(readFileSync(join(first(), model?.path ?? ''))).weights).toBe('inherited');
    const page = readFileSync(join(first(), 'report.html'), 'utf8');
    for (const text of [
      '<h2>Supernet</h2>',
      'inherited accuracy',
      'final accuracy (from supernet)',
      'largest network',
      'Results by class',
    ])
      expect(page).toContain(text);
    expect(page).not.toContain('search accuracy');
  });
});

describe('a run of slices', () => {
  it('takes the supernet of another run and trains nothing', { timeout: 300_000 }, async () => {
    const workdir = join(directory, 'slices');
    const { expected } = await runInside(slices('slices'), workdir);
    const { trials, finals, curves, models, supernet } = expected;
    expect(supernet).toEqual({ curve: [], weights: null });
    expect(curves.flat(2)).toEqual([]);
    expect(existsSync(join(workdir, 'artifacts', 'final'))).toBe(false);
    for (const { state, values } of trials) {
      expect(state).toBe('complete');
      expect(Object.keys(values).filter((name) => name.includes('accuracy'))).toEqual([
        'supernet_accuracy',
        'balanced_accuracy',
      ]);
    }
    for (const final of finals) expect(final).toMatchObject({ from: 'supernet', epochs: 0, accuracy: null });
    for (const { path, exists } of models) {
      expect(exists).toBe(true);
      expect(readMetadata(readFileSync(join(workdir, path))).weights).toBe('supernet');
    }
  });

  it('exports any trial with the accuracy that the search found', { timeout: 120_000 }, async () => {
    const workdir = join(directory, 'slices');
    const { data } = trainingOf(loadExperiment(join(directory, 'slices.yaml')));
    using store = Store.open(databasePath(workdir), { readonly: true });
    const onFrontier = store.finals.all().map(({ trial }) => trial);
    const other = store.trials.all().find(({ number }) => !onFrontier.includes(number));
    const { number, values } = other ?? store.trials.all()[0];
    const { model, metadata } = await trainedModel(store, workdir, number);
    expect(metadata).toMatchObject({
      weights: 'supernet',
      accuracy: { validation: values['supernet_accuracy'].value },
    });
    const found = await evaluateOnSplit(exportOnnx(model, metadata), await prepareDataset(data), 'validation');
    expect(found.accuracy).toBeCloseTo(values['supernet_accuracy'].value, 2);
  });

  it('is trained from the supernet in the end, unless it says otherwise', { timeout: 300_000 }, async () => {
    const workdir = join(directory, 'finished');
    const search = '{ evaluate: supernet, controller: random, trials: 1 }';
    const { expected } = await runInside(slices('finished', { search, final: null }), workdir);
    expect(expected.finals).toMatchObject([{ trial: 0, from: 'supernet', epochs: 1 }]);
    const [searched, final] = expected.curves[0];
    expect([searched, final]).toMatchObject([[], [{ epoch: 0 }]]);
    expect(readMetadata(readFileSync(join(workdir, expected.models[0].path))).weights).toBe('inherited');
  });

  it('trains from nothing in the search and from the supernet in the end, too', { timeout: 300_000 }, async () => {
    const search = '{ evaluate: train, controller: random, trials: 1 }';
    const file = slices('mixed', { search, final: '{ epochs: 1 }' });
    const { expected } = await runInside(file, join(directory, 'mixed'));
    expect(Object.keys(expected.trials[0].values)).toContain('accuracy');
    expect(expected.finals).toMatchObject([{ from: 'supernet', epochs: 1 }]);
  });
});

describe('a supernet that does not serve', () => {
  it('is refused where another space, other data or no supernet is, before anything is written', async () => {
    const tries = [
      { space: '{ type: mobilenet, preset: tiny }', message: /of another space: it differs in space/ },
      { space: 'nas-bench-201', message: /share no weights/ },
      {
        data: 'subset: 0.5',
        message: /supernet.from: .*other data: it differs in data.subset/,
        code: 'inputs-changed',
      },
      { supernet: `{ from: ${join(directory, 'mixed-nothing')} }`, message: /there is no file or folder/ },
      { supernet: `{ from: ${directory} }`, message: /holds no run/ },
    ];
    for (const [i, { message, data, code = 'invalid-input', ...changes }] of tries.entries()) {
      const name = `refused-${i}`;
      const file = slices(name, changes);
      const set = data === undefined ? [] : ['data.subset=0.5'];
      await expect(runInside(file, join(directory, name), { set })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message) as string,
      });
      expect(existsSync(join(directory, name))).toBe(false);
    }
  });

  it('is refused where it was not trained to its end', { timeout: 120_000 }, async () => {
    const file = writeExperiment(directory, { ...small, name: 'unfinished' });
    const workdir = join(directory, 'unfinished');
    await interrupted(loadExperiment(file), workdir, ({ kind }) => kind === 'progress');
    const early = slices('early', { supernet: `{ from: ${workdir} }` });
    await expect(runInside(early, join(directory, 'early'))).rejects.toThrow(/is not trained to its end/);
  });

  it('is refused when it has changed since the run began', async () => {
    const workdir = join(directory, 'slices');
    const weights = join(first(), 'artifacts', 'supernet', 'weights.bin');
    rmSync(weights);
    // Of a run that is complete, only the report would be written again.
    await expect(resumeExperiment(workdir, { trials: '+1' }, silent)).rejects.toThrow(
      /supernet\.from: the supernet .*weights\.bin is gone/,
    );
  });
});
