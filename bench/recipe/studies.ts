import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../base/random.js';
import { mean } from '../../base/statistics.js';
import { kendall } from '../../latency-models/statistics.js';
import { genotypeId, sampleGenotype, type Network, type Space } from '../../spaces/index.js';
import {
  dataSchema,
  defaultAugment,
  describeDataset,
  prepareDataset,
  prepareTeacher,
  teacherSchema,
} from '../../trainers/index.js';
import { cached, cpuSeconds, folderOf, threads } from '../supernet/alone.js';
import { cifarImages } from '../supernet/setting.js';
import {
  each,
  engine,
  imagesOf,
  networkOf,
  points,
  progress,
  recipes,
  signed,
  spaceOf,
  standardError,
  train,
  trainOf,
  type Images,
  type Setting,
} from './setting.js';

/** A table: its head, then its rows. */
export type Rows = readonly (readonly string[])[];

const seconds = (value: number): string => `${value.toFixed(0)} s`;

/** Accuracy of few images against the number of steps, with the fast recipe; the last column has its own defaults. */
export async function few(setting: Setting): Promise<Rows> {
  const counts = setting.quick ? [100, 500] : [100, 500, 2000, 20_000];
  const columns: readonly { readonly steps?: number }[] = [
    ...(setting.quick ? [5, 10] : [50, 100, 200, 400, 800, 1600]).map((steps) => ({ steps })),
    {},
  ];
  const rows = await each(counts, async (count) => {
    const images = await imagesOf('cifar', setting, count);
    const network = await networkOf(images, {});
    const cells = await each(columns, async (keys) => {
      const config = trainOf('fast', images, keys);
      const runs = await each(setting.seeds, (seed) => train(setting, images, network, config, seed));
      const cell = `${points(mean(runs.map(({ accuracy }) => accuracy)))} (${seconds(mean(runs.map((run) => run.cpuSeconds)))})`;
      progress(`${count} images, ${JSON.stringify(keys)}: ${cell}`);
      return cell;
    });
    return [String(count), ...cells];
  });
  const head = columns.map(({ steps }) => (steps === undefined ? 'defaults' : `${steps} steps`));
  return [['images', ...head], ...rows];
}

/** Distinct random networks of a space. */
function draw(space: Space, count: number): Network[] {
  const random = new Random(1, 'ranking');
  const drawn = new Map<string, Network>();
  while (drawn.size < count) {
    const genotype = sampleGenotype(space, random);
    drawn.set(genotypeId(genotype), space.build(genotype));
  }
  return [...drawn.values()];
}

/** Standard error of Kendall's tau by the bootstrap over networks. */
function tauError(x: readonly number[], y: readonly number[]): number {
  const random = new Random(1, 'bootstrap');
  const taus = Array.from({ length: 400 }, () => {
    const drawn = x.map(() => random.int(x.length));
    return kendall(
      drawn.map((i) => x[i]),
      drawn.map((i) => y[i]),
    );
  });
  return standardError(taus) * Math.sqrt(taus.length);
}

/** How short trainings rank the networks of the `tiny` space compared with trainings five times as long. */
export async function ranking(setting: Setting): Promise<Rows> {
  const images = await imagesOf('cifar', setting);
  const networks = draw(await spaceOf(images, { preset: 'tiny' }), setting.quick ? 5 : 24);
  const steps = setting.quick ? 5 : 273;
  const accuracies = (recipe: (typeof recipes)[number], factor: number) =>
    each(networks, async (network, i) => {
      const config = trainOf(recipe, images, { steps: factor * steps });
      const { accuracy } = await train(setting, images, network, config, setting.seeds[0]);
      progress(`network ${i}, ${recipe}, ${factor * steps} steps: ${points(accuracy)}`);
      return accuracy;
    });
  const short = await each(recipes, (recipe) => accuracies(recipe, 1));
  const long = await each(recipes, (recipe) => accuracies(recipe, 5));
  return [
    [`${steps} steps`, 'mean accuracy', ...recipes.map((recipe) => `tau with ${5 * steps} steps of ${recipe}`)],
    ...recipes.map((recipe, i) => [
      recipe,
      points(mean(short[i])),
      ...long.map((truth) => `${kendall(short[i], truth).toFixed(2)} ± ${tauError(short[i], truth).toFixed(2)}`),
    ]),
  ];
}

/** Accuracy at a CPU time, between measured ones, linear in the logarithm of the time. */
function at(curve: readonly { readonly accuracy: number; readonly cpuSeconds: number }[], time: number): string {
  const after = curve.findIndex(({ cpuSeconds }) => cpuSeconds >= time);
  if (after < 0) return `> ${points(curve[curve.length - 1].accuracy)}`;
  if (after === 0) return points(curve[0].accuracy);
  const [low, high] = [curve[after - 1], curve[after]];
  const share = Math.log(time / low.cpuSeconds) / Math.log(high.cpuSeconds / low.cpuSeconds);
  return points(low.accuracy + share * (high.accuracy - low.accuracy));
}

/**
 * A student with cached answers of teachers that trained for longer, the last one on more images, compared with the student
 * alone at equal steps, and alone for the CPU time of student and answers, and of the teacher's training besides.
 */
export async function teachers(setting: Setting): Promise<Rows> {
  const { quick, folder } = setting;
  const [seed] = setting.seeds;
  const images = await imagesOf('cifar', setting);
  const [student, network] = [await networkOf(images, {}), await networkOf(images, { shape: '4 M' })];
  const epochs = quick ? 1 : 4;
  const config = trainOf('fast', images, { epochs, loss: { type: 'kd' } });
  const curve = await each(quick ? [1, 2] : [1, 2, 4, 8, 16], (factor) =>
    train(setting, images, student, trainOf('fast', images, { epochs: factor * epochs }), seed),
  );
  const schools: readonly (readonly [epochs: number, images: Images])[] = [
    ...(quick ? [1] : [2, 4, 12, 30]).map((long) => [long, images] as const),
    [quick ? 1 : 12, await imagesOf('cifar', setting, quick ? 2000 : 38_000)],
  ];
  const rows = await each(schools, async ([long, school]) => {
    const taught = await train(setting, school, network, trainOf('fast', school, { epochs: long }), seed);
    const directory = folderOf(folder, 'answers', [taught.weights, config, describeDataset(images.dataset).hash]);
    const [teacher, answers] = await cached(directory, () =>
      cpuSeconds(() =>
        prepareTeacher(
          { type: 'network', name: `${long} epochs`, network, weights: taught.weights },
          { dataset: images.dataset, train: config, seed, engine, threads, cache: join(folder, 'answers') },
        ),
      ),
    );
    const learned = await train(setting, images, student, config, seed, teacher ?? undefined);
    progress(`teacher ${points(taught.accuracy)}: ${points(learned.accuracy)}`);
    const time = learned.cpuSeconds + answers;
    return [
      `${points(taught.accuracy)} (${long} epochs of ${describeDataset(school.dataset).counts.train} images)`,
      points(learned.accuracy),
      signed(learned.accuracy - curve[0].accuracy),
      [learned.cpuSeconds, answers, taught.cpuSeconds].map(seconds).join(' + '),
      at(curve, time),
      at(curve, time + taught.cpuSeconds),
    ];
  });
  return [
    [
      'teacher',
      'student',
      'gain at equal steps',
      'CPU time: student + answers + teacher',
      'alone, for student + answers',
      'alone, for all three',
    ],
    ...rows,
  ];
}

/** Networks of `teacher: {type: train}` trained on 45,000 images: accuracy on the 5,000 others, which the training does not use. */
export async function ownTeachers(setting: Setting): Promise<Rows> {
  const { quick, folder } = setting;
  const path = await cifarImages(folder);
  const config = { type: 'image-folder', path, size: 32, test: 0.001, validation: 0.1, subset: quick ? 0.02 : 1 };
  const dataset = await prepareDataset(dataSchema.parse(config));
  const augment = defaultAugment(dataSchema.parse(config));
  const written = quick ? [{ width: 0.5, epochs: 1 }] : [{}, { width: 1.5, epochs: 22 }];
  const rows = await each(written, async (keys) => {
    const teacher = teacherSchema.parse({ type: 'train', ...keys });
    const train = trainOf('fast', { dataset, augment, data: config, plain: {} }, {});
    const [prepared, time] = await cpuSeconds(() =>
      prepareTeacher(teacher, {
        dataset,
        train,
        seed: setting.seeds[0],
        engine,
        threads: availableParallelism(),
        cache: folder,
      }),
    );
    return [JSON.stringify(keys), points(prepared?.accuracy ?? NaN), seconds(time)];
  });
  return [['teacher: {type: train}, and', 'accuracy', 'CPU time, with its answers'], ...rows];
}
