import { canonicalJson } from '../base/hash.js';
import { isWritten } from '../experiments/parse/override.js';
import type { TrainingExperiment } from '../experiments/schema/experiment.js';
import { isOwnSupernet } from '../experiments/schema/run-experiment.js';
import { defaultAugment, timesShown, type Augmentation, type TrainConfig } from '../trainers/index.js';

/** The trainings of an experiment, by their keys in the file. */
export type TrainingKey = 'teacher' | 'train' | 'supernet' | 'final';

/** Whether a value of a training is the user's, or a resumed run's, and not a default. */
export type IsFixed = (key: TrainingKey, value: 'batch' | 'augment') => boolean;

/** Tells which values the experiment's file has. `supernet` and `final` inherit those of `train`. */
export const fixedIn =
  (written: unknown): IsFixed =>
  (key, value) =>
    isWritten(written, key, value) || (key !== 'teacher' && isWritten(written, 'train', value));

type Student = Exclude<TrainingKey, 'teacher'>;

/** The trainings of students whose augmentation is a default. The recipe `plain` has none. */
function byDefault({ train, supernet, final }: TrainingExperiment, isFixed: IsFixed): [Student, TrainConfig][] {
  const own = supernet !== undefined && isOwnSupernet(supernet) ? supernet : null;
  const configs: readonly (readonly [Student, TrainConfig | null])[] = [
    ['train', train],
    ['supernet', own],
    ['final', final],
  ];
  return configs.flatMap(([key, config]) =>
    config === null || config.augment.length === 0 || isFixed(key, 'augment') ? [] : [[key, config]],
  );
}

/**
 * The experiment whose trainings have the default augmentation for how often they show each image, where none is written. Students of
 * a teacher all have that of `train`, whose views the teacher answers: stronger changes taught them less (docs/benchmarks.md, "Lessons").
 */
export function withDefaultAugment(experiment: TrainingExperiment, isFixed: IsFixed): TrainingExperiment {
  const { data, teacher, train } = experiment;
  const chosen = byDefault(experiment, isFixed).map(([key, config]) => {
    const shown = timesShown(teacher.type === 'none' ? config : train);
    return [key, { ...config, augment: defaultAugment(data, shown) }] as const;
  });
  return { ...experiment, ...(Object.fromEntries(chosen) as Partial<TrainingExperiment>) };
}

/** The augmentation of a final training that the frontier teaches. A default is replaced by the augmentation of `train`. */
export const taughtAugment = ({ data, train }: TrainingExperiment, final: TrainConfig): Augmentation =>
  canonicalJson(final.augment) === canonicalJson(defaultAugment(data, timesShown(final)))
    ? train.augment
    : final.augment;

const stepText = ({ type, ...values }: Augmentation[number]): string => {
  const keys = Object.entries(values).map(([key, value]) => `, ${key}: ${JSON.stringify(value)}`);
  return keys.length === 0 ? type : `{type: ${type}${keys.join('')}}`;
};

/** Names the default augmentation of each training that has one. */
export function defaultAugmentNotes(experiment: TrainingExperiment, isFixed: IsFixed): string[] {
  const { final } = experiment;
  const isTaughtOtherwise =
    final?.teacher === 'frontier' && canonicalJson(taughtAugment(experiment, final)) !== canonicalJson(final.augment);
  return byDefault(experiment, isFixed).map(([key, config]) => {
    const shown = Math.round(timesShown(config)).toLocaleString('en-US');
    const others =
      key === 'final' && isTaughtOtherwise ? '; the networks that the frontier teaches have train.augment' : '';
    return `${key}.augment: [${config.augment.map(stepText).join(', ')}], the default for these images where each is shown ${shown} times${others}`;
  });
}
