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
  type Setting,
} from './setting.js';

/** A table: its head, then its rows. */
export type Rows = readonly (readonly string[])[];

const seconds = (value: number): string => `${value.toFixed(0)} s`;

/**
 * A student at equal steps alone, and with the cached answers of a teacher that trained on the same images: what each gains, and
 * what the teacher costs in trainings of the student.
 */
export async function teachers(setting: Setting): Promise<Rows> {
  const { quick, folder } = setting;
  const [seed] = setting.seeds;
  const rows = await each(quick ? [500] : [8000, 1000], async (count) => {
    const images = await imagesOf('cifar', setting, count);
    const { dataset } = images;
    const { counts } = describeDataset(dataset);
    const student = await networkOf(images, {});
    const epochsOf = (steps: number): number => Math.ceil(steps / Math.max(1, Math.floor(counts.train / 128)));
    const config = teacherSchema.parse({ type: 'train', epochs: epochsOf(quick ? 3 : 744) });
    const taught = (steps: number) => trainOf('fast', images, { epochs: epochsOf(steps), loss: { type: 'kd' } });
    const options = { dataset, train: taught(1), seed, engine, threads, cache: join(folder, 'answers') };
    const directory = folderOf(folder, 'answers', [config, describeDataset(dataset).hash]);
    const [teacher, cost] = await cached(directory, () => cpuSeconds(() => prepareTeacher(config, options)));
    return each(quick ? [3] : [248, 744, 1860], async (steps) => {
      const own = await train(setting, images, student, trainOf('fast', images, { epochs: epochsOf(steps) }), seed);
      const listening = await train(setting, images, student, taught(steps), seed, teacher ?? undefined);
      const row = [
        String(counts.train),
        points(teacher?.accuracy ?? NaN),
        String(steps),
        points(own.accuracy),
        points(listening.accuracy),
        signed(listening.accuracy - own.accuracy),
        [own.cpuSeconds, listening.cpuSeconds, cost].map(seconds).join(', '),
      ];
      progress(row.join(' | '));
      return row;
    });
  });
  return [
    ['images', 'teacher', 'steps', 'alone', 'taught', 'gain', 'CPU time: alone, taught, teacher with answers'],
    ...rows.flat(),
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
    : [{ network: 'pooled', epochs: 8 }, { minutes: 24 }, { network: 'resnet', width: 1.5, epochs: 22 }];
  const rows = await each(written, async (keys) => {
    const teacher = teacherSchema.parse({ type: 'train', ...keys });
    const recipe = trainOf('fast', { dataset, augment, data: config, plain: {} }, {});
    const [prepared, time] = await cpuSeconds(() =>
      prepareTeacher(teacher, {
        dataset,
        train: recipe,
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
