/**
 * The gain from distillation: one student on a tenth of Fashion-MNIST, trained without a teacher, with a teacher trained on
 * the same tenth, and with a teacher trained on all training images.
 *
 * Method: one fixed student (the middle of the `tiny` space), the same schedule and augmentation for all, one run per
 * seed (weights, image order); accuracy on the 10,000 test images after the last epoch. Teachers that were trained before
 * come from the cache.
 *
 *   node --import tsx bench/distillation.ts [--seeds 3] [--epochs 10]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { exportTfjs } from '../deploy/index.js';
import { presetNetworks, createSpace, spaceSchema, type Task } from '../spaces/index.js';
import {
  dataSchema,
  describeDataset,
  engineSchema,
  evaluateModel,
  fit,
  prepareDataset,
  prepareTeacher,
  readWeights,
  teacherSchema,
  trainSchema,
  type DatasetRef,
  type PreparedTeacher,
  type TrainConfig,
} from '../trainers/index.js';

const { values: options } = parseArgs({
  options: { seeds: { type: 'string', default: '3' }, epochs: { type: 'string', default: '10' } },
});
const seeds = Array.from({ length: Number(options.seeds) }, (_, i) => i + 1);
const epochs = Number(options.epochs);

const engine = engineSchema.parse({});
const threads = 2;
const augment = ['flip', { type: 'crop', pixels: 2 }];
const plain = trainSchema.parse({ epochs, batch: 64, augment, views: 4, loss: { type: 'cross-entropy' } });
const distilled = trainSchema.parse({
  epochs,
  batch: 64,
  augment,
  views: 4,
  loss: { type: 'kd', alpha: 0.7, temperature: 4 },
});

const tenth = await prepareDataset(dataSchema.parse({ type: 'fashion-mnist', subset: 0.1 }));
const all = await prepareDataset(dataSchema.parse({ type: 'fashion-mnist' }));
const info = describeDataset(tenth);
const task: Task = { input: [info.height, info.width, info.channels], classes: info.classes.length };
const space = await createSpace(spaceSchema.parse({ type: 'mobilenet', preset: 'tiny' }), task);
const middle = space.canonical(space.decisions.map(({ choices }) => Math.floor((choices.length - 1) / 2)));
const student = space.build(middle);
const folder = mkdtempSync(join(tmpdir(), 'nas-distillation-'));
const hooks = {
  onEpoch: () => undefined,
  onProgress: () => undefined,
  signal: new AbortController().signal,
  pause: () => undefined,
};

try {
  const sameTenth = await teacherTrainedOn(tenth);
  const onAll = await teacherTrainedOn(all);
  const conditions: { name: string; train: TrainConfig; teacher: PreparedTeacher | null }[] = [
    { name: 'no teacher', train: plain, teacher: null },
    {
      name: `teacher trained on the same tenth (${percent(sameTenth.accuracy)})`,
      train: distilled,
      teacher: sameTenth,
    },
    { name: `teacher trained on all images (${percent(onAll.accuracy)})`, train: distilled, teacher: onAll },
  ];
  const table = new Table({
    head: ['student learns from', ...seeds.map((seed) => `seed ${seed}`), 'mean'],
    style: { head: [], border: [] },
  });
  for (const { name, train, teacher } of conditions) {
    const accuracies: number[] = [];
    for (const seed of seeds) {
      const directory = join(folder, `${conditions.findIndex((c) => c.name === name)}-${seed}`);
      const result = await fit(
        { network: student, seed, train, dataset: tenth, teacher, engine, threads, directory },
        hooks,
      );
      if (result.state !== 'complete') throw new Error('interrupted');
      const { accuracy } = await evaluateModel({
        network: student,
        weights: result.weights,
        dataset: tenth,
        split: 'test',
        engine,
        threads,
      });
      accuracies.push(accuracy);
      console.error(`${name}, seed ${seed}: ${percent(accuracy)}`);
    }
    const mean = accuracies.reduce((a, b) => a + b, 0) / accuracies.length;
    table.push([name, ...accuracies.map(percent), percent(mean)]);
  }
  console.log(table.toString());
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The reference teacher, trained on `dataset` and prepared for the images of the tenth. */
async function teacherTrainedOn(dataset: DatasetRef): Promise<PreparedTeacher> {
  const config = teacherSchema.parse({
    type: 'train',
    network: 'resnet',
    width: 0.5,
    epochs: dataset === all ? 2 : 10,
  });
  const shared = { seed: 1, engine, threads, hooks };
  const trained = await prepareTeacher(config, { ...shared, dataset, train: distilled });
  if (trained === null || trained.model?.type !== 'network') throw new Error('a trained teacher has a network');
  if (dataset === tenth) return trained;
  const network = presetNetworks.resnet(task, 0.5);
  const path = join(folder, 'teacher');
  await exportTfjs(
    { network, weights: readWeights(network, trained.model.weights) },
    {
      classes: [...info.classes],
      layout: 'NHWC',
      input: task.input,
      mean: info.mean,
      std: info.std,
      nas_version: '0',
      created: '',
    },
    path,
  );
  const loaded = teacherSchema.parse({ type: 'layers-model', path });
  const teacher = await prepareTeacher(loaded, { ...shared, dataset: tenth, train: distilled });
  if (teacher === null) throw new Error('the exported teacher could not be loaded');
  return teacher;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
