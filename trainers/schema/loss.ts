import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import { type TaskType, mapTasks } from '../../base/task.js';
import type { Augmentation } from '../data/augment/schema.js';
import { unsuitedStep } from '../data/augment/steps.js';
import type { Teacher } from './teacher.js';

const fraction = z.number().min(0).max(1);
const weight = z.number().min(0);
const usualTemperature = 4;
const temperature = z
  .number()
  .gt(0)
  .default(usualTemperature)
  .describe('divides the logits of teacher and student, which are classes or labels');

/** Options of the loss on labels. */
const onLabels = {
  label_smoothing: fraction.default(0).describe('share of each label that is spread over all classes'),
};

/** `train.loss:`. */
export const lossSchema = z.discriminatedUnion('type', [
  z
    .strictObject({ type: z.literal('cross-entropy'), ...onLabels })
    .describe(
      'labels only, no teacher; for multi-label data binary cross-entropy, for numbers the loss of Huber (1964), for masks with the loss of Dice added',
    ),
  z
    .strictObject({
      type: z.literal('kd'),
      temperature,
      alpha: fraction.default(0.5).describe("weight of the teacher's answers; the labels have 1 - alpha"),
      ...onLabels,
    })
    .describe(
      'knowledge distillation (Hinton et al. 2015): (1 - alpha) CE + alpha T² KL(teacher ‖ student); for multi-label data with binary terms, for numbers by the loss of Huber; for boxes (1 - alpha) times the loss of a detector + alpha times the same with the maps of the teacher as soft labels (Li et al. 2020)',
    ),
  z
    .strictObject({
      type: z.literal('dkd'),
      temperature,
      alpha: weight.default(1).describe('weight of TCKD: how sure the teacher is of the true class'),
      beta: weight.default(4).describe('weight of NCKD: how the teacher ranks the other classes'),
      ...onLabels,
    })
    .describe('decoupled distillation (Zhao et al. 2022): CE + T² (alpha TCKD + beta NCKD)'),
]);
export type LossConfig = z.output<typeof lossSchema>;

/** A loss with the numbers that it takes from the training images. */
export type Loss = LossConfig & {
  /** Absent: classification. */
  readonly task?: TaskType;
  /** Weight of each class; its mean over all training images, or pixels, is 1. Absent: classes are equal. */
  readonly classWeights?: readonly number[];
  /** Batches also hold images without labels, whose rows of labels are 0; absent: none. Only for classification with a teacher. */
  readonly unlabelled?: true;
};

/** Keys of `train:` and of its loss that only classification has, or only the named tasks. */
const tasksOf = {
  class_weight: ['classification', 'segmentation'],
  class_sampling: ['classification', ...mapTasks],
  label_smoothing: ['classification', 'multi-label', 'segmentation'],
  temperature: ['classification', 'multi-label', 'segmentation'],
} as const satisfies Record<string, readonly TaskType[]>;

/** Settings that a task does not have: the path of each in `train:`, and why. */
export function unsuitedKeys(
  task: TaskType,
  { loss, class_weight, class_sampling, augment = [] }: TrainedOn,
): (readonly [path: readonly string[], why: string])[] {
  const given = {
    class_weight: class_weight !== undefined,
    class_sampling: class_sampling === 'balanced',
    label_smoothing: loss !== undefined && loss.label_smoothing > 0,
    temperature: loss !== undefined && 'temperature' in loss && loss.temperature !== usualTemperature,
  };
  const keys = (Object.keys(tasksOf) as (keyof typeof tasksOf)[]).filter(
    (key) => given[key] && !tasksOf[key].some((one) => one === task),
  );
  return [
    ...keys.map((key) => [key.startsWith('class_') ? [key] : ['loss', key], `${key} is for classes`] as const),
    ...augment.flatMap(({ type }, i) => {
      const why = unsuitedStep(task, type);
      return why === null ? [] : [[['augment', `${i}`], why] as const];
    }),
    ...(task !== 'classification' && loss?.type === 'dkd' ? [[['loss', 'type'], 'dkd is for classes'] as const] : []),
  ];
}

interface TrainedOn {
  readonly loss?: LossConfig | undefined;
  readonly class_weight?: unknown;
  readonly class_sampling?: string | undefined;
  readonly augment?: Augmentation | undefined;
}

/**
 * The loss of a student: as configured, else distillation with a teacher, and cross-entropy without.
 * @throws NasError `invalid-input` when the teacher lacks what the loss needs
 */
export function lossFor(
  loss: LossConfig | undefined,
  teacher: { readonly type: Teacher['type'] | 'none'; readonly adapt?: string | undefined },
): LossConfig {
  if (loss === undefined) return lossSchema.parse({ type: teacher.type === 'none' ? 'cross-entropy' : 'kd' });
  if (loss.type === 'cross-entropy') return loss;
  if (teacher.type === 'none')
    throw invalidInput(`train.loss is ${loss.type}, which learns from a teacher, but there is no teacher`, {
      hint: 'Add teacher: {type: train}, or use train.loss: {type: cross-entropy}.',
    });
  return loss;
}
