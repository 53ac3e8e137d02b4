import { availableParallelism } from 'node:os';
import { dataSchema, defaultAugment, prepareDataset, prepareTeacher, teacherSchema } from '../../trainers/index.js';
import { cpuSeconds } from '../supernet/alone.js';
import { cifarImages } from '../supernet/setting.js';
import { each, engine, points, trainOf, type Rows, type Setting } from './setting.js';

const seconds = (value: number): string => `${value.toFixed(0)} s`;

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
