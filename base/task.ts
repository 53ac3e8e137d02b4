import type { z } from 'zod';
import { invalidInput, type NasError } from './errors.js';
import type { learningTaskSchema } from './task-schema.js';

/** What the outputs of a network mean: see `learningTaskSchema`. */
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

/** The tasks in which networks answer for each cell of a grid: see `headNames`. */
export const mapTasks = [...boxTasks, 'segmentation'] as const satisfies readonly TaskType[];
export type MapTask = (typeof mapTasks)[number];

export const isMapTask = (type: TaskType | undefined): type is MapTask => mapTasks.some((task) => task === type);

/** The task of data and files of versions that knew no other. */
export const classification: LearningTask = { type: 'classification' };

/** The refusal of masks where only images with classes, labels or numbers are known. @param what cannot be done */
export const notForMasks = (what: string): NasError =>
  invalidInput(`${what} is not for masks yet`, { hint: 'docs/segmentation.md lists what is there for masks.' });

/** The refusal of boxes where only images with classes, labels or numbers are known. @param what cannot be done */
export const notForBoxes = (what: string): NasError =>
  invalidInput(`${what} is not for boxes yet`, { hint: 'docs/detection.md lists what is there for boxes.' });
