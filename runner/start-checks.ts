import { invalidInput } from '../base/errors.js';
import { isBoxTask } from '../base/task.js';
import { requireKnown } from '../compiler/index.js';
import { loadController } from '../search/index.js';
import {
  checkClassWeight,
  epochImages,
  teacherBatch,
  teacherSize,
  type DatasetInfo,
  type Size,
  type TrainConfig,
} from '../trainers/index.js';
import { precisionsOf } from './compress/gates.js';
import type { Locating } from '../experiments/parse/index.js';
import { finalRepeatsSearch, type TrainingExperiment } from '../experiments/schema/experiment.js';
import { isOwnSupernet } from '../experiments/schema/run-experiment.js';
import { measureNamed } from '../experiments/schema/measures.js';
import { warmStart, type WarmStart, type WarmStartInput } from './warm-start/index.js';
import { checkGivenModel } from './latency/given-model.js';

/** The trainings of the run's own networks, by their key in the file. */
export const trainings = ({
  train,
  supernet,
  final,
}: TrainingExperiment): (readonly [key: string, config: TrainConfig])[] => [
  ['train', train],
  ...(supernet === undefined || !isOwnSupernet(supernet) ? [] : [['supernet', supernet] as const]),
  ...(final === null ? [] : [['final', final] as const]),
];

/** @throws NasError `invalid-input` for a provider that ONNX Runtime does not have; whether one works here is not tried. */
export async function requireKnownProviders(
  { engine: { provider }, latency: { device } }: Pick<TrainingExperiment, 'engine' | 'latency'>,
  locating: Locating,
): Promise<void> {
  if (provider !== undefined) await locating(['engine', 'provider'], () => requireKnown(provider));
  if (device.type === 'local') await locating(['latency', 'device', 'provider'], () => requireKnown(device.provider));
}

/**
 * Checks what a run reads beside its images, before anything trains; `nas run` and `nas validate` share it.
 * @param classes names of the data's outputs
 * @returns the size of the teacher's images; null: that of the data
 * @throws NasError `invalid-input` for weights of unknown classes, and unusable files of teachers and latency models
 */
export async function checkTrainings(
  experiment: TrainingExperiment,
  classes: readonly string[],
  locating: Locating,
): Promise<Size | null> {
  for (const [key, { class_weight: weight }] of trainings(experiment))
    if (weight !== undefined) await locating([key, 'class_weight'], () => checkClassWeight(weight, classes));
  const { latency, compress, objectives } = experiment;
  if (objectives.some(({ name }) => measureNamed(name)?.source.kind === 'latency'))
    for (const precision of precisionsOf(compress))
      await locating(['latency', latency.from === undefined ? 'predictor' : 'from'], () =>
        checkGivenModel(latency, precision),
      );
  return locating(['teacher', 'path'], () => teacherSize(experiment.teacher));
}

/**
 * The networks that a search tries first; checks its controller. `nas run` and `nas validate` share it.
 * @throws NasError `invalid-input` as `warmStart` and `loadController`
 */
export async function startOfSearch(
  input: WarmStartInput & { readonly search: Parameters<typeof loadController>[0] },
  locating: Locating,
): Promise<WarmStart> {
  const { search, space, objectives, seed } = input;
  const start = await warmStart(input, locating);
  const { enqueued, earlier } = start;
  await loadController(search, { space, objectives, seed, enqueued, earlier });
  return start;
}

/** Number of images that an epoch of a training shows. */
export const imagesOf = ({ loss }: TrainConfig, info: DatasetInfo): number =>
  epochImages(info, loss !== undefined && loss.type !== 'cross-entropy');

/** The batch sizes of all trainings and the images that they have, by their key in the file. */
export const batches = (
  experiment: TrainingExperiment,
  info: DatasetInfo,
): (readonly [key: string, batch: number, images: number])[] => [
  ...trainings(experiment).map(([key, config]) => [key, config.batch, imagesOf(config, info)] as const),
  ...(experiment.teacher.type === 'train'
    ? [['teacher', teacherBatch(experiment.teacher, info), info.counts.train] as const]
    : []),
];

/** @throws NasError when there are fewer training images than one step takes. */
export function checkBatch(batch: number, images: number): void {
  if (batch > images)
    throw invalidInput(`a batch of ${batch} images is more than the ${images} images to train with`, {
      hint: 'Set a smaller batch, or a larger data.subset.',
    });
}

/**
 * Checks that images for training and for validation have boxes or labels: otherwise nothing is learned, or nothing decides the search.
 * @param absent the classes without an image in each split
 * @throws NasError `invalid-input` when a split has none
 */
export function checkAnswers(
  { classes, counts, task }: DatasetInfo,
  absent: { readonly [S in 'train' | 'validation']: readonly string[] },
): void {
  const names = { train: 'training', validation: 'validation' } as const;
  for (const split of ['train', 'validation'] as const)
    if (absent[split].length === classes.length)
      throw invalidInput(
        `none of the ${counts[split]} ${names[split]} images has a ${isBoxTask(task.type) ? 'box' : 'label'}`,
        { hint: 'Give that split images that have some, or set a larger data.validation.' },
      );
}

/** Largest difference of the proportions of images between which maps move. */
const sameProportions = 0.02;

/**
 * Checks that the maps of a teacher fit its students: they move by the proportions of the sides.
 * @throws NasError `invalid-input` for other proportions
 */
export function requireSameProportions(teacher: Size, students: readonly Size[]): void {
  const proportions = ([height, width]: Size): number => width / height;
  const other = students.find((size) => Math.abs(proportions(size) / proportions(teacher) - 1) > sameProportions);
  if (other !== undefined)
    throw invalidInput(
      `the teacher takes images of ${teacher.join(' x ')} pixels, and the networks of ${other.join(' x ')}: expected equal proportions`,
      { hint: `Set data.size: [${teacher.join(', ')}], or sizes with its proportions.` },
    );
}

export const unseenMessage = (classes: readonly string[]): string => {
  const named = `${classes.slice(0, 10).join(', ')}${classes.length > 10 ? ', ...' : ''}`;
  return `No validation image is of ${named}: the search does not see how well networks find ${classes.length === 1 ? 'it' : 'them'}. Give the validation split images of every class, or leave that split out`;
};

/** Warnings about settings that are allowed and hardly meant. */
export function warningsOf(experiment: TrainingExperiment): string[] {
  const { train, final } = experiment;
  return [
    ...(finalRepeatsSearch(experiment)
      ? [
          `final: begins as the search's trainings do and is no longer than their ${train.epochs} epochs, so it will hardly come to more; give final.epochs more`,
        ]
      : []),
    ...new Set([train, final].flatMap(twiceBalanced)),
  ];
}

/** A warning about a training with two corrections for rare classes. */
const twiceBalanced = (config: TrainConfig | null): string[] =>
  config?.class_weight === 'auto' && config.class_sampling === 'balanced'
    ? [
        'class_weight: auto and class_sampling: balanced each correct for rare classes, and together too much: give one of them',
      ]
    : [];
