import { mean } from '../../base/statistics.js';
import { describeDataset, timesShown, type Augmentation } from '../../trainers/index.js';
import {
  each,
  imagesOf,
  networkOf,
  points,
  progress,
  signed,
  standardError,
  train,
  trainOf,
  type Setting,
} from './setting.js';
import type { Rows } from './studies.js';

const resized = { type: 'resized-crop', area: [0.5, 1] };

/** The augmentations that are compared, from the flip and the shift on. */
const augmentations: Readonly<Record<string, (light: Augmentation) => readonly unknown[]>> = {
  'flip, crop': (light) => light,
  'and trivial-augment': (light) => [...light, 'trivial-augment'],
  'and cutout': (light) => [...light, 'cutout'],
  'and mixup': (light) => [...light, 'mixup'],
  'and cutmix': (light) => [...light, 'cutmix'],
  'and trivial-augment, cutmix': (light) => [...light, 'trivial-augment', 'cutmix'],
  'flip, resized-crop': () => ['flip', resized],
  'and colour-jitter': () => ['flip', resized, 'colour-jitter'],
  'resized-crop and trivial-augment': () => ['flip', resized, 'trivial-augment'],
  'resized-crop and cutmix': () => ['flip', resized, 'cutmix'],
};

/** Trainings that show each photograph about 20 to 350 times. */
const trainings = [
  { of: 'cifar', count: 4000, batch: 32, steps: [2400] },
  { of: 'cifar', count: 2000, batch: 32, steps: [2400] },
  { of: 'cifar', count: 1000, batch: 32, steps: [2400] },
  { of: 'cifar', count: 500, batch: 32, steps: [2400] },
  { of: 'small flowers', count: 2500, batch: 128, steps: [600, 2400] },
  { of: 'small flowers', count: 250, batch: 32, steps: [600, 2400] },
] as const;

/** Augmentations by the number of images and steps: accuracy, its gain over flip and crop at equal steps, and CPU time. */
export async function augmenting(setting: Setting): Promise<Rows> {
  const { quick, seeds } = setting;
  const lengths = trainings.flatMap(({ steps, ...others }) => steps.map((length) => ({ ...others, length })));
  const chosen = quick ? lengths.slice(-1).map((few) => ({ ...few, length: 3 })) : lengths;
  const rows = await each(chosen, async ({ of, count, batch, length }) => {
    const images = await imagesOf(of, setting, count);
    const network = await networkOf(images, { stride: of === 'cifar' ? 1 : 2 });
    const { counts } = describeDataset(images.dataset);
    let light: readonly number[] = [];
    return each(Object.entries(augmentations), async ([name, stepsOf]) => {
      const config = trainOf('fast', images, { batch, steps: length, augment: stepsOf(images.augment) });
      const trained = await each(seeds, (seed) => train(setting, images, network, config, seed));
      const accuracies = trained.map(({ accuracy }) => accuracy);
      if (light.length === 0) light = accuracies;
      const gains = accuracies.map((accuracy, i) => accuracy - light[i]);
      const row = [
        `${counts.train} of ${of}`,
        `${length} (${Math.round(timesShown(config))})`,
        name,
        accuracies.map(points).join(' '),
        `${signed(mean(gains))}${gains.length > 1 ? ` ± ${points(standardError(gains))}` : ''}`,
        `${mean(trained.map(({ cpuSeconds }) => cpuSeconds)).toFixed(0)} s`,
      ];
      progress(row.join(' | '));
      return row;
    });
  });
  return [
    ['images', 'steps (views of each)', 'augment', `seeds ${seeds.join(', ')}`, 'gain', 'CPU time'],
    ...rows.flat(),
  ];
}
