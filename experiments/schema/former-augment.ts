import { isMap, valueAt } from '../parse/problem.js';

/** The step of each key of the former map, without its value's key where it has none. */
const steps = new Map<string, { readonly type: string; readonly value?: string }>(
  Object.entries({
    flip: { type: 'flip' },
    crop: { type: 'crop', value: 'pixels' },
    cutout: { type: 'cutout', value: 'size' },
    mixup: { type: 'mixup', value: 'alpha' },
  }),
);

/** The keys that configure a training. */
const trainings = ['train', 'supernet', 'final'];

/**
 * Replaces the former maps of `augment` by lists of steps, in place: `{crop: 2, flip: true, views: 3}` becomes
 * `[{type: flip}, {type: crop, pixels: 2}]` with `views: 3` beside `augment`. Files and stored runs of earlier versions
 * have such maps.
 */
export function convertFormerAugment(experiment: unknown): void {
  for (const key of trainings) {
    const training = valueAt(experiment, [key]);
    if (!isMap(training) || !isMap(training['augment'])) continue;
    const { views, ...former } = training['augment'];
    // A map with other keys is left to the schema, which names the steps.
    if (Object.keys(former).some((name) => !steps.has(name))) continue;
    training['augment'] = [...steps].flatMap(([name, { type, value }]) => {
      const given = former[name] ?? 0;
      if (given === 0 || given === false) return [];
      return [value === undefined ? { type } : { type, [value]: given }];
    });
    if (views !== undefined) training['views'] ??= views;
  }
}
