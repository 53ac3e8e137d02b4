import { z } from 'zod';
import { invalidInput, type NasError } from './errors.js';

const numbers = z.array(z.number()).min(1).readonly();

/**
 * What the outputs of a network mean. classification: logits of classes, one of which is right (softmax). multi-label: logits of
 * labels, any of which may be right (sigmoid). regression: numbers, each as (value - mean) / std of the training images. detection: for
 * each cell of a grid, logits of classes (sigmoid) and a box. centroids: for each cell, logits of classes alone.
 */
export const learningTaskSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('classification') }),
  z.strictObject({ type: z.literal('multi-label') }),
  z.strictObject({ type: z.literal('regression'), mean: numbers, std: numbers }),
  z.strictObject({ type: z.literal('detection') }),
  z.strictObject({ type: z.literal('centroids') }),
]);
export type LearningTask = Readonly<z.output<typeof learningTaskSchema>>;
export type TaskType = LearningTask['type'];

/** The tasks in which an image has one row of outputs. */
export const rowTasks = ['classification', 'multi-label', 'regression'] as const satisfies readonly TaskType[];
export type RowTask = (typeof rowTasks)[number];

/** The tasks for which images are converted: both kinds of detectors learn from the same ones. */
export type ConvertedTask = Exclude<TaskType, 'centroids'>;

/** The tasks of data with boxes. Detectors answer for each cell of a grid. */
export const boxTasks = ['detection', 'centroids'] as const satisfies readonly TaskType[];
export type BoxTask = (typeof boxTasks)[number];

export const isBoxTask = (type: TaskType | undefined): type is BoxTask => boxTasks.some((task) => task === type);

/** The task of data and files of versions that knew no other. */
export const classification: LearningTask = { type: 'classification' };

/** The refusal of boxes where only images with classes, labels or numbers are known. @param what cannot be done */
export const notForBoxes = (what: string): NasError =>
  invalidInput(`${what} is not for boxes yet`, { hint: 'docs/detection.md lists what is there for boxes.' });
