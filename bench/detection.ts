/**
 * Detectors from nothing: scores after few CPU seconds, by the defaults of the recipe.
 *
 * Method: one network (121 k parameters, output stride 4), trained on one thread for each seed, on all images that are not scored.
 * The scored images are the test images of the data, or with `--scored validation` its validation images. CPU time is that of the
 * training (`fit`). Without `--images`, the data is a set of photographs of faces with masks. `--teacher` names the file of a detector,
 * whose answers are computed once for all seeds, and `--width` scales the channels of the network.
 *
 * `--task centroids` finds the middles of boxes alone, with cells of 8 pixels.
 *
 *   npm run bench:detection -- [--images folder] [--size 128,192] [--train '{"epochs": 12}'] [--seeds 1,2,3] [--teacher teacher.onnx]
 *     [--task centroids]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { quantile } from '../base/statistics.js';
import { mainScores, metricsOf, metricTexts, outputScores, taskMetrics, type Metric } from '../base/scores.js';
import { boxTasks } from '../base/task.js';
import { numeric, processTerminal, renderTable } from '../cli/output/terminal.js';
import { costs, createSpace, spaceSchema } from '../spaces/index.js';
import {
  completeTraining,
  dataDefaults,
  dataSchema,
  describeDataset,
  engineSchema,
  fit,
  prepareDataset,
  prepareTeacher,
  spaceTask,
  teacherSchema,
  trainKeys,
  withStepsOn,
} from '../trainers/index.js';
import { cpuSeconds } from './supernet/alone.js';
import { hooks, unpackedImages } from './supernet/setting.js';
import { evaluateModel } from '../test/trainers/support/evaluate-model.js';

const { values: options } = parseArgs({
  options: {
    images: { type: 'string' },
    scored: { type: 'string', default: 'test' },
    task: { type: 'string', default: 'detection' },
    size: { type: 'string', default: '128,192' },
    train: { type: 'string', default: '{"epochs": 12}' },
    engine: { type: 'string', default: 'auto' },
    teacher: { type: 'string' },
    width: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1,2,3' },
    output: { type: 'string', short: 'o', default: 'runs/bench-detection' },
  },
});

const task = z.enum(boxTasks).parse(options.task);

/** The prototype's network: all sides are fixed. */
const space = {
  type: 'mobilenet',
  preset: 'detector',
  width: Number(options.width),
  stages: [
    { kind: 'fused_mbconv', filters: 24, stride: 2, depth: 2, act: 'relu' },
    { kind: 'fused_mbconv', filters: 32, stride: 2, expand: 3, act: 'relu' },
    { filters: 32, depth: 2, expand: 3, act: 'relu' },
    { filters: 64, stride: 2, depth: 3, expand: 3, act: 'relu' },
  ],
  detect: { stride: task === 'detection' ? 4 : 8, deepest: 16, width: 32, depth: 1 },
};

const scored = z.enum(['test', 'validation']).parse(options.scored);
const path = options.images ?? join(await unpackedImages(options.output, 'detection', 'detection'), 'facemask');
const [height, width] = options.size.split(',').map(Number);
const data = dataSchema.parse({ type: 'boxes', path, task, size: [height, width] });
const dataset = { ...(await prepareDataset(data)), ...(scored === 'test' && { validation: 0 }) };
const info = describeDataset(dataset);
const searched = await createSpace(spaceSchema.parse(space), spaceTask(info, task));
const network = searched.build(searched.canonical(searched.decisions.map(() => 0)));
const keys = trainKeys.parse(JSON.parse(options.train));
const train = withStepsOn(info.counts.train, completeTraining(keys, dataDefaults(data)));
const engine = engineSchema.parse({ type: options.engine });
const { colors, err, out } = processTerminal([], process.env);
const { train: images, [scored]: count } = info.counts;
err(
  `${images} training images, ${count} scored; ${(costs(network).macs / 1e6).toFixed(1)} M MACs; ${train.epochs} epochs of batches of ${train.batch}\n`,
);

const [teacher, teacherSeconds] =
  options.teacher === undefined
    ? [null, 0]
    : await cpuSeconds(() =>
        prepareTeacher(teacherSchema.parse({ type: 'file', path: options.teacher }), {
          ...{ dataset, train, seed: 1, engine, threads: 1 },
          cache: mkdtempSync(join(tmpdir(), 'bench-teacher-')),
        }),
      );
if (teacher !== null) err(`The answers of ${teacher.name} took ${teacherSeconds.toFixed(0)} CPU seconds\n`);

interface Row {
  readonly seed: string;
  /** The main score of the task, of all classes and of each. */
  readonly score: number;
  readonly classes: readonly number[];
  readonly metrics: Readonly<Partial<Record<Metric, number>>>;
  readonly seconds: number;
}

/** The main score among those of a class. */
const ofClass = task === 'detection' ? 'ap50' : 'f1';

async function trained(seed: number): Promise<Row> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-detection-'));
  const job = { network, seed, train, dataset, teacher, engine, threads: 1, directory };
  const [result, seconds] = await cpuSeconds(() => fit(job, hooks));
  if (result.state !== 'complete') throw new Error('interrupted');
  const scores = await evaluateModel({ network, weights: result.weights, dataset, split: scored, engine, threads: 1 });
  rmSync(directory, { recursive: true });
  return {
    seed: String(seed),
    score: scores.accuracy,
    classes: outputScores(scores.details).map((own) => ('threshold' in own ? (own[ofClass] ?? NaN) : NaN)),
    metrics: metricsOf(scores.details),
    seconds,
  };
}

const { title } = mainScores[task];
const rows: Row[] = [];
for (const seed of options.seeds.split(',').map(Number)) {
  rows.push(await trained(seed));
  err(`seed ${seed}: ${title} ${(100 * rows[rows.length - 1].score).toFixed(1)}\n`);
}
const middle = (value: (row: Row) => number): number =>
  quantile(
    rows.map(value).sort((a, b) => a - b),
    0.5,
  );
rows.push({
  seed: 'median',
  score: middle(({ score }) => score),
  metrics: Object.fromEntries(taskMetrics[task].map((name) => [name, middle(({ metrics }) => metrics[name] ?? NaN)])),
  classes: info.classes.map((_, k) => middle(({ classes }) => classes[k])),
  seconds: middle(({ seconds }) => seconds),
});
const points = (name: string, value: (row: Row) => number) =>
  numeric(name, (row: Row) => (100 * value(row)).toFixed(1));
out(
  renderTable(
    [
      { title: 'seed', cell: ({ seed }: Row) => seed },
      points(title, ({ score }) => score),
      ...info.classes.map((name, k) => points(name, ({ classes }) => classes[k])),
      ...taskMetrics[task].map((name) => points(metricTexts[name][0], ({ metrics }) => metrics[name] ?? NaN)),
      numeric('CPU s', ({ seconds }: Row) => seconds.toFixed(0)),
    ],
    rows,
    colors,
  ),
);
