import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { drawReport } from '../../api/report.js';
import { messageOf } from '../../base/errors.js';
import { parseExperiment } from '../../experiments/parse/index.js';
import { evaluateOnSplit, trainedModel } from '../../runner/index.js';
import { databasePath, frontierModel } from '../../runner/stored/workdir.js';
import { Store } from '../../store/index.js';
import { parseOnnx } from '../../compiler/index.js';
import { readMetadata } from '../../deploy/index.js';
import { prepareDataset, type BoxesConfig } from '../../trainers/index.js';
import { makeBoxedImages } from '../support/boxed-images.js';
import { boxesExperiment, writeBoxesExperiment } from './boxes-experiment.js';
import { cachedFolder, reading } from './experiment.js';
import { findings } from './findings.js';
import { interruptInside, runInside } from './inside.js';

const folder = cachedFolder();
let data: BoxesConfig;
beforeAll(async () => {
  data = await makeBoxedImages(join(folder, 'images'), { count: 50 });
});

const refusal = (changes: object): string => {
  try {
    parseExperiment('boxes.yaml', JSON.stringify(boxesExperiment(data, changes)));
    return 'accepted';
  } catch (error) {
    return messageOf(error).replace(/^boxes.yaml:\d+:\d+: /, '');
  }
};

describe('a run on images with boxes', () => {
  it('ends with a frontier, and files that know their thresholds', async () => {
    const workdir = join(folder, 'whole');
    const { expected } = await runInside(writeBoxesExperiment(folder, 'whole', data), workdir);
    const [first] = reading(workdir, ({ finals }) => finals.all());
    const file = readFileSync(join(workdir, frontierModel(first.trial, 'fp32')));
    const { task, detection, accuracy, network } = readMetadata(file);
    expect(task).toEqual({ type: 'detection' });
    expect(detection?.thresholds).toHaveLength(2);
    expect(first.accuracy).toBeCloseTo(accuracy?.validation ?? NaN, 2);
    expect(first.testAccuracy).toBe(accuracy?.test);
    // The test images are scored at the thresholds of the validation images.
    const dataset = await prepareDataset(data);
    const { details } = await evaluateOnSplit(file, dataset, 'test');
    const stored = reading(workdir, ({ classResults }) =>
      classResults.of(first.trial).findLast(({ stage, split }) => stage === 'final' && split === 'test'),
    );
    if (details.type !== 'detection' || stored?.details.type !== 'detection') throw new Error('other details');
    expect(details.classes.map(({ threshold }) => threshold)).toEqual(detection?.thresholds);
    expect(stored.details).toMatchObject({ ...details, errors: { score: expect.any(Number) as number } });
    const store = Store.open(databasePath(workdir), { readonly: true });
    // Images are kept with their boxes, and the report draws them.
    expect(stored.details.seen?.sample[0].path).toMatch(/^\d{4}\.png$/);
    expect((await drawReport(store))['report.html']).toContain('<img src="data:image/webp');
    const trained = await trainedModel(store, workdir, first.trial).finally(() => store.close());
    expect(trained.model.network).toEqual(network);
    expect(trained.metadata.detection).toEqual(detection);

    expect(
      await interruptInside(writeBoxesExperiment(folder, 'parts', data, { name: 'whole' }), join(folder, 'parts'), 2),
    ).toEqual(expected);
    expect(findings(workdir)).toEqual(expected);
  });

  it('ends with centroids where they are asked for, also from a supernet', async () => {
    const workdir = join(folder, 'centroids');
    const shared = { supernet: { steps: 6, networks: 1 }, search: { evaluate: 'supernet', trials: 2, parallel: 1 } };
    const changes = { objectives: ['f1', 'macs'], ...shared, final: { steps: 6 } };
    await runInside(writeBoxesExperiment(folder, 'centroids', { ...data, task: 'centroids' }, changes), workdir);
    const [first] = reading(workdir, ({ finals }) => finals.all());
    const file = readFileSync(join(workdir, frontierModel(first.trial, 'fp32')));
    const { task, detection, accuracy } = readMetadata(file);
    expect(task).toEqual({ type: 'centroids' });
    expect(detection?.thresholds).toHaveLength(2);
    expect(parseOnnx(file).graph.output.map(({ name }) => name)).toEqual(['classes']);
    const found = reading(workdir, ({ trials }) => trials.get(first.trial)?.values);
    expect(found).toHaveProperty('supernet_centroid_f1');
    // The data needs no word of centroids: the file has its task.
    const { accuracy: test, details } = await evaluateOnSplit(file, await prepareDataset(data), 'test', { seed: 1 });
    expect(test).toBe(accuracy?.test);
    if (details.type !== 'centroids') throw new Error('other details');
    expect(details.errors?.score).toBeGreaterThanOrEqual(0);
    using store = Store.open(databasePath(workdir), { readonly: true });
    const report = (await drawReport(store))['report.html'];
    expect(report).toContain('F1');
    expect(report).not.toContain('AP50');
  });

  it('refuses images of which none has a box', async () => {
    const bare = await makeBoxedImages(join(folder, 'bare'), { count: 12 });
    const written = join(folder, 'bare', 'boxes.json');
    const boxes = JSON.parse(readFileSync(written, 'utf8')) as object;
    writeFileSync(written, JSON.stringify({ ...boxes, annotations: [] }));
    const run = runInside(writeBoxesExperiment(folder, 'no-boxes', bare), join(folder, 'no-boxes'));
    await expect(run).rejects.toThrow(/data: none of the \d+ training images has a box/);
  });

  it('refuses what detectors do not have, before anything is trained', () => {
    const given = {
      adapted: { teacher: { type: 'file', path: data.path, adapt: 'all' } },
      taught: { supernet: { epochs: 1 }, teacher: { type: 'train' } },
      temperature: { teacher: { type: 'train' }, train: { loss: { type: 'kd', temperature: 2 } } },
      accuracy: { objectives: ['accuracy', 'macs'] },
      weight: { train: { class_weight: 'auto' } },
      rotation: { train: { augment: ['rotation'] } },
      centroids: { data: { ...data, task: 'centroids' } },
    };
    const found = Object.entries(given).map(([name, changes]) => [name, refusal(changes)]);
    expect(Object.fromEntries(found)).toMatchInlineSnapshot(`
      {
        "accuracy": "objectives.0: got "accuracy"; of a detection task the search finds ap50: expected ap50, ap, f1",
        "adapted": "teacher.adapt: got "all"; the data has boxes: expected none, and a file that nas tune adapted to them",
        "centroids": "objectives.0: got "ap50"; of a centroids task the search finds f1: expected f1",
        "rotation": "train.augment.0: rotation cannot move boxes (flip, window, mosaic, colour-jitter can); the data has boxes: expected none",
        "taught": "teacher: got "train"; the data has boxes, and a supernet of detectors has no teacher: expected none, or no supernet",
        "temperature": "train.loss.temperature: temperature is for classes; the data has boxes: expected none",
        "weight": "train.class_weight: class_weight is for classes; the data has boxes: expected none",
      }
    `);
  });
});
