import { mean } from '../../base/statistics.js';
import type { Network } from '../../spaces/index.js';
import { prepareTeacher, teacherSchema, type TeacherConfig } from '../../trainers/index.js';
import { threads } from '../supernet/alone.js';
import {
  each,
  engine,
  imagesOf,
  networkOf,
  points,
  progress,
  recipes,
  shapes,
  signed,
  standardError,
  train,
  trainOf,
  type Images,
  type Setting,
  type Shape,
} from './setting.js';

/** One training by both recipes. */
interface Comparison {
  readonly name: string;
  readonly images: Images;
  readonly network: Network;
  /** Keys of `train:` in both. */
  readonly keys: object;
  readonly teacher?: TeacherConfig;
  /** Least gain in accuracy of the fast recipe, in [0, 1]. */
  readonly bar: number;
}

const epochsOf = (quick: boolean): readonly number[] => (quick ? [1] : [4, 12]);

async function cifar(setting: Setting): Promise<Comparison[]> {
  const images = await imagesOf('cifar', setting);
  const names = Object.keys(shapes) as (keyof typeof shapes)[];
  return each(
    names.flatMap((shape) => epochsOf(setting.quick).map((epochs) => ({ shape, epochs }))),
    async ({ shape, epochs }) => ({
      name: `${shape}, ${epochs} epochs`,
      images,
      network: await networkOf(images, { shape }),
      keys: { epochs },
      bar: epochs < 12 ? 0.12 : 0.09,
    }),
  );
}

async function flowers(setting: Setting): Promise<Comparison[]> {
  const images = await imagesOf('flowers', setting);
  const network = await networkOf(images, { stride: 2 });
  return epochsOf(setting.quick).map((epochs) => ({
    name: `flowers, ${epochs} epochs`,
    images,
    network,
    keys: { epochs },
    bar: 0.05,
  }));
}

async function fashion(setting: Setting): Promise<Comparison[]> {
  const images = await imagesOf('fashion', setting);
  const network = await networkOf(images, {});
  const [epochs] = epochsOf(setting.quick);
  return [{ name: `Fashion-MNIST, ${epochs} epochs`, images, network, keys: { epochs }, bar: 0.01 }];
}

async function variants(setting: Setting): Promise<Comparison[]> {
  const images = await imagesOf('cifar', setting);
  const [epochs] = epochsOf(setting.quick);
  const teacher = teacherSchema.parse({ type: 'train', network: 'resnet', width: 0.5, epochs: setting.quick ? 1 : 6 });
  const rows: readonly (readonly [name: string, shape: Shape, keys: object, teacher?: TeacherConfig])[] = [
    ...[16, 32, 64, 256].map((batch) => [`batch of ${batch}`, {}, { batch }] as const),
    ['strided stem', { shape: '4 M', stride: 2 }, {}],
    ['squeeze-excite', { se: 0.25 }, {}],
    ['24 pixels', { resolution: 24 }, {}],
    ['cached teacher', {}, {}, teacher],
  ];
  return each(rows, async ([name, shape, keys, given]) => ({
    name,
    images,
    network: await networkOf(images, shape),
    keys: { epochs, ...keys },
    ...(given === undefined ? {} : { teacher: given }),
    bar: 0,
  }));
}

/** Parts that compare the recipes at equal steps. */
export const comparisons = { cifar, flowers, fashion, variants };

export const comparisonHead = (seeds: readonly number[]): string[] => [
  'training',
  ...recipes.map((recipe) => `${recipe}, seeds ${seeds.join(', ')}`),
  'difference',
  'CPU time',
  'ratio',
  'bar',
  'reached',
];

/** A row of the table. The fast recipe trains first, so what a process does only once counts against it. */
export async function compare(setting: Setting, comparison: Comparison): Promise<string[]> {
  const { name, images, network, keys, bar } = comparison;
  const [fast, plain] = await each(['fast', 'plain'] as const, async (recipe) => {
    const config = trainOf(recipe, images, keys);
    const options = { dataset: images.dataset, train: config, seed: 1, engine, threads, cache: setting.folder };
    const teacher = comparison.teacher && (await prepareTeacher(comparison.teacher, options));
    return each(setting.seeds, async (seed) => {
      const trained = await train(setting, images, network, config, seed, teacher ?? undefined);
      progress(`${name}, ${recipe}, seed ${seed}: ${points(trained.accuracy)}, ${trained.cpuSeconds.toFixed(1)} s`);
      return trained;
    });
  });
  const gains = fast.map(({ accuracy }, i) => accuracy - plain[i].accuracy);
  const [gain, error] = [mean(gains), standardError(gains)];
  const seconds = [plain, fast].map((runs) => mean(runs.map(({ cpuSeconds }) => cpuSeconds)));
  return [
    name,
    ...[plain, fast].map((runs) => runs.map(({ accuracy }) => points(accuracy)).join(' ')),
    `${signed(gain)}${gains.length > 1 ? ` ± ${points(error)}` : ''}`,
    seconds.map((value) => `${value.toFixed(1)} s`).join(', '),
    (seconds[1] / seconds[0]).toFixed(2),
    signed(bar),
    gain >= bar ? 'yes' : gain + 2 * error >= bar ? 'within two errors' : 'no',
  ];
}
