import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { mainScores, metricsOf, metricTexts, outputScores, taskMetrics, type Metric } from '../../base/scores.js';
import { mean, quantile } from '../../base/statistics.js';
import type { MapTask } from '../../base/task.js';
import { numeric, processTerminal, renderTable } from '../../cli/output/terminal.js';
import { costs, createSpace, spaceSchema } from '../../spaces/index.js';
import {
  completeTraining,
  type DataConfig,
  dataDefaults,
  type DatasetRef,
  describeDataset,
  engineSchema,
  fit,
  prepareDataset,
  prepareTeacher,
  spaceTask,
  teacherSchema,
  trainKeys,
  withStepsOn,
} from '../../trainers/index.js';
import { evaluateModel } from '../../test/trainers/support/evaluate-model.js';
import { cpuSeconds } from '../supernet/alone.js';
import { hooks } from '../supernet/setting.js';

/** The options of both benchmarks, but the size and the training. */
export const mapOptions = {
  images: { type: 'string' },
  scored: { type: 'string', default: 'test' },
  engine: { type: 'string', default: 'auto' },
  teacher: { type: 'string' },
  width: { type: 'string', default: '1' },
  seeds: { type: 'string', default: '1,2,3' },
} as const;

interface MapBench {
  readonly task: MapTask;
  readonly data: DataConfig;
  /** Output stride. */
  readonly stride: number;
  /** Share of the channels in the gate of the deepest map; default: none. */
  readonly se?: number;
  /** The main score among those of a class. */
  readonly ofClass: 'ap50' | 'f1' | 'iou';
  /** A further mean of the scores of some classes. */
  readonly meanOver?: { readonly title: string; readonly isMember: (label: number) => boolean };
  readonly options: Readonly<
    Record<Exclude<keyof typeof mapOptions, 'images' | 'teacher'> | 'train', string> & { teacher?: string | undefined }
  >;
}

interface Row {
  readonly seed: string;
  /** The main score of the task, of all classes and of each. */
  readonly score: number;
  readonly classes: readonly number[];
  readonly metrics: Readonly<Partial<Record<Metric, number>>>;
  readonly seconds: number;
}

/** The network of the benchmarks: all sides are fixed. */
const spaceOf = ({ task, stride, se = 0 }: MapBench, width: number) => ({
  type: 'mobilenet',
  preset: task === 'segmentation' ? 'segmenter' : 'detector',
  width,
  stages: [
    { kind: 'fused_mbconv', filters: 24, stride: 2, depth: 2, act: 'relu' },
    { kind: 'fused_mbconv', filters: 32, stride: 2, expand: 3, act: 'relu' },
    { filters: 32, depth: 2, expand: 3, act: 'relu' },
    { filters: 64, stride: 2, depth: 3, expand: 3, act: 'relu' },
  ],
  detect: { stride, deepest: 16, width: 32, depth: 1, se },
});

/**
 * Trains a network that answers with maps for each seed, by the defaults of the recipe, and prints its scores and CPU seconds.
 * @returns the data set
 */
export async function benchMaps(bench: MapBench): Promise<DatasetRef> {
  const { task, data, ofClass, meanOver, options } = bench;
  const scored = z.enum(['test', 'validation']).parse(options.scored);
  const dataset = { ...(await prepareDataset(data)), ...(scored === 'test' && { validation: 0 }) };
  const info = describeDataset(dataset);
  const searched = await createSpace(spaceSchema.parse(spaceOf(bench, Number(options.width))), spaceTask(info, task));
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

  async function trained(seed: number): Promise<Row> {
    const directory = mkdtempSync(join(tmpdir(), 'bench-maps-'));
    const job = { network, seed, train, dataset, teacher, engine, threads: 1, directory };
    const [result, seconds] = await cpuSeconds(() => fit(job, hooks));
    if (result.state !== 'complete') throw new Error('interrupted');
    const scores = await evaluateModel({
      network,
      weights: result.weights,
      dataset,
      split: scored,
      engine,
      threads: 1,
    });
    rmSync(directory, { recursive: true });
    return {
      seed: String(seed),
      score: scores.accuracy,
      classes: outputScores(scores.details).map((own) =>
        ofClass in own ? ((own as Partial<Record<typeof ofClass, number | null>>)[ofClass] ?? NaN) : NaN,
      ),
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
        ...(meanOver === undefined
          ? []
          : [
              points(meanOver.title, ({ classes }) =>
                mean(classes.filter((value, k) => meanOver.isMember(k) && !Number.isNaN(value))),
              ),
            ]),
        ...taskMetrics[task].map((name) => points(metricTexts[name][0], ({ metrics }) => metrics[name] ?? NaN)),
        numeric('CPU s', ({ seconds }: Row) => seconds.toFixed(0)),
      ],
      rows,
      colors,
    ),
  );
  return dataset;
}
