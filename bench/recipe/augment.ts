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
  type Rows,
  type Setting,
} from './setting.js';

const resized = { type: 'resized-crop', area: [0.5, 1] };

/** The augmentations that are compared with the first one, a flip and a small shift. */
const augmentations: readonly ((light: Augmentation) => readonly unknown[])[] = [
  (light) => light,
  (light) => [...light, 'trivial-augment'],
  (light) => [...light, 'cutout'],
  (light) => [...light, 'mixup'],
  (light) => [...light, 'cutmix'],
  (light) => [...light, 'trivial-augment', 'cutmix'],
  () => ['flip', resized],
  () => ['flip', resized, 'colour-jitter'],
  () => ['flip', resized, 'trivial-augment'],
  () => ['flip', resized, 'cutmix'],
];

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
    return each(augmentations, async (stepsOf) => {
      const config = trainOf('fast', images, { batch, steps: length, augment: stepsOf(images.augment) });
      const trained = await each(seeds, (seed) => train(setting, images, network, config, seed));
      const accuracies = trained.map(({ accuracy }) => accuracy);
      if (light.length === 0) light = accuracies;
      const gains = accuracies.map((accuracy, i) => accuracy - light[i]);
      const row = [
        `${counts.train} of ${of}`,
        `${length} (${Math.round(timesShown(config))})`,
        config.augment.map(({ type }) => type).join(', '),
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
