import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mean } from '../../base/statistics.js';
import type { Network } from '../../spaces/index.js';
import {
  dataSchema,
  describeDataset,
  prepareDataset,
  prepareTeacher,
  teacherSchema,
  type PreparedTeacher,
} from '../../trainers/index.js';
import { cifarImages } from '../supernet/setting.js';
import { cached, cpuSeconds, folderOf, threads, type Trained } from '../supernet/alone.js';
import {
  each,
  engine,
  imagesOf,
  networkOf,
  points,
  progress,
  signed,
  standardError,
  train,
  trainOf,
  type Images,
  type Rows,
  type Setting,
} from './setting.js';

const seconds = (value: number): string => `${value.toFixed(0)} s`;

/** Epochs of about so many steps. */
function epochsFor({ dataset }: Images, steps: number): number {
  const { counts } = describeDataset(dataset);
  return Math.ceil(steps / Math.max(1, Math.floor(counts.train / 128)));
}

/** A training by the defaults, alone or taught. */
const lengthOf = (images: Images, steps: number, isTaught: boolean) =>
  trainOf('fast', images, { epochs: epochsFor(images, steps), ...(isTaught && { loss: { type: 'kd' } }) });

/** The cells of students alone and taught, for the same seeds: accuracies, the mean gain with its standard error, CPU seconds. */
function comparedCells(alone: readonly Trained[], taught: readonly Trained[]): string[] {
  const gains = taught.map(({ accuracy }, i) => accuracy - alone[i].accuracy);
  const error = gains.length > 1 ? ` ± ${points(standardError(gains))}` : '';
  return [
    ...[alone, taught].map((runs) => runs.map(({ accuracy }) => points(accuracy)).join(' ')),
    `${signed(mean(gains))}${error}`,
    [alone, taught].map((runs) => seconds(mean(runs.map((run) => run.cpuSeconds)))).join(', '),
  ];
}

const comparedHead = (seeds: readonly number[]): string[] => [
  `alone, seeds ${seeds.join(', ')}`,
  'taught',
  'gain',
  'CPU time: alone, taught',
];

/**
 * A student at equal steps alone, and with the cached answers of a teacher that trained on the same images: what each gains, and
 * what the teacher with its answers costs.
 */
export async function teachers(setting: Setting): Promise<Rows> {
  const { quick, folder, seeds } = setting;
  const rows = await each(quick ? [500] : [8000, 1000], async (count) => {
    const images = await imagesOf('cifar', setting, count);
    const { dataset } = images;
    const student = await networkOf(images, {});
    const config = teacherSchema.parse({ type: 'train', epochs: epochsFor(images, quick ? 3 : 744) });
    const options = { dataset, train: lengthOf(images, 1, true), seed: seeds[0], engine, threads };
    const directory = folderOf(folder, 'answers', [config, options.train, describeDataset(dataset).hash]);
    const [teacher, cost] = await cached(directory, () =>
      cpuSeconds(() => prepareTeacher(config, { ...options, cache: join(folder, 'answers') })),
    );
    return each(quick ? [3] : [248, 744, 1860, 7440], async (steps) => {
      const trained = (seed: number, by?: PreparedTeacher) =>
        train(setting, images, student, lengthOf(images, steps, by !== undefined), seed, by);
      const alone = await each(seeds, (seed) => trained(seed));
      const taught = await each(seeds, (seed) => trained(seed, teacher ?? undefined));
      const row = [
        String(describeDataset(dataset).counts.train),
        points(teacher?.accuracy ?? NaN),
        String(steps),
        ...comparedCells(alone, taught),
        seconds(cost),
      ];
      progress(row.join(' | '));
      return row;
    });
  });
  return [['images', 'teacher', 'steps', ...comparedHead(seeds), 'teacher with answers'], ...rows.flat()];
}

/** The images of the comparison, and the steps of a final training. */
const finals = [
  { name: 'cifar', count: 8000, steps: [1860] },
  { name: 'cifar', count: 1000, steps: [1860] },
  { name: 'flowers', count: undefined, steps: [1200] },
  { name: 'fashion', count: 8000, steps: [1240] },
] as const;

/** The network that teaches, and its students, by `shapes`. */
const [largest, smaller] = ['8 M', ['1 M', '4 M']] as const;

/** Networks of a frontier at equal steps: alone, and taught by the largest one, which trained alone for as many steps. */
export async function frontiers(setting: Setting): Promise<Rows> {
  const { quick, folder, seeds } = setting;
  const rows = await each(quick ? finals.slice(0, 1) : finals, async ({ name, count, steps: lengths }) => {
    const images = await imagesOf(name, setting, quick ? 500 : count);
    const { dataset } = images;
    const stride = name === 'flowers' ? 2 : 1;
    const network = await networkOf(images, { shape: largest, stride });
    return each(quick ? [3] : lengths, async (steps) => {
      const alone = (of: Network) =>
        each(seeds, (seed) => train(setting, images, of, lengthOf(images, steps, false), seed));
      const best = await alone(network);
      const answering = await each(best, ({ weights }, i) =>
        cpuSeconds(() =>
          prepareTeacher(
            { type: 'network', name: largest, network, weights },
            { dataset, train: lengthOf(images, steps, true), seed: seeds[i], engine, threads, cache: folder },
          ),
        ),
      );
      return each(smaller, async (shape) => {
        const student = await networkOf(images, { shape, stride });
        const taught = await each(seeds, (seed, i) =>
          train(setting, images, student, lengthOf(images, steps, true), seed, answering[i][0] ?? undefined),
        );
        const row = [
          `${name}, ${describeDataset(dataset).counts.train}`,
          String(steps),
          `${largest}: ${best.map(({ accuracy }) => points(accuracy)).join(' ')}`,
          shape,
          ...comparedCells(await alone(student), taught),
          seconds(mean(answering.map(([, cost]) => cost))),
        ];
        progress(row.join(' | '));
        return row;
      });
    });
  });
  return [['images', 'steps', 'teacher', 'student', ...comparedHead(seeds), 'answers'], ...rows.flat(2)];
}

/** A table of every other CIFAR-10 training image, about 25,000. */
async function halfOfCifar(folder: string): Promise<string> {
  const images = await cifarImages(folder);
  const paths = readdirSync(images, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.(jpe?g|png)$/.test(path),
  );
  const table = join(images, '..', 'unlabelled.csv');
  const half = paths.sort().filter((_, i) => i % 2 === 0);
  writeFileSync(table, ['path', ...half.map((path) => join('train', path))].join('\n'));
  return table;
}

/**
 * Few labels and many images without: the network of 8 M learns from the labels, and answers all images; students, and the same network
 * once more, learn its answers. Copies of test and validation images are left out of the images without labels.
 */
export async function unlabelled(setting: Setting): Promise<Rows> {
  const { quick, folder, seeds } = setting;
  const labelled = await imagesOf('cifar', setting, quick ? 500 : 1000);
  const whole = { ...labelled.data, unlabelled: await halfOfCifar(folder) };
  const dataset = await prepareDataset(dataSchema.parse(whole));
  const { counts, unlabelled: others = 0 } = describeDataset(dataset);
  const network = await networkOf(labelled, { shape: largest });
  const rows = await each(quick ? [3] : [1860, 7440], async (steps) => {
    const alone = (of: Network, seed: number) => train(setting, labelled, of, lengthOf(labelled, steps, false), seed);
    const config = {
      ...lengthOf(labelled, 1, true),
      epochs: Math.ceil(steps / Math.floor((counts.train + others) / 128)),
    };
    const best = await each(seeds, (seed) => alone(network, seed));
    const answering = await each(best, ({ weights }, i) =>
      cpuSeconds(() =>
        prepareTeacher(
          { type: 'network', name: largest, network, weights },
          { dataset, train: config, seed: seeds[i], engine, threads, cache: folder },
        ),
      ),
    );
    return each([...smaller, largest], async (shape) => {
      const student = await networkOf(labelled, { shape });
      const taught = await each(seeds, (seed, i) =>
        train(setting, { ...labelled, dataset }, student, config, seed, answering[i][0] ?? undefined),
      );
      const row = [
        `${counts.train} + ${others}`,
        String(steps),
        `${largest}: ${best.map(({ accuracy }) => points(accuracy)).join(' ')}`,
        shape,
        ...comparedCells(await each(seeds, (seed) => alone(student, seed)), taught),
        seconds(mean(answering.map(([, cost]) => cost))),
      ];
      progress(row.join(' | '));
      return row;
    });
  });
  return [['images', 'steps', 'teacher', 'student', ...comparedHead(seeds), 'answers'], ...rows.flat()];
}
