import { availableParallelism } from 'node:os';
import { join } from 'node:path';
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
  signed,
  train,
  trainOf,
  type Images,
  type Setting,
} from './setting.js';

/** A table: its head, then its rows. */
export type Rows = readonly (readonly string[])[];

const seconds = (value: number): string => `${value.toFixed(0)} s`;

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
  const written: readonly object[] = quick
    ? [{ network: 'pooled', width: 0.5, epochs: 1 }]
    : [
        { network: 'pooled', epochs: 8 },
        { network: 'resnet', width: 1.5, epochs: 22 },
      ];
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
