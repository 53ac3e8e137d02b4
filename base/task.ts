import { z } from 'zod';

const numbers = z.array(z.number()).min(1).readonly();

/**
 * What the outputs of a network mean. classification: logits of classes, one of which is right (softmax). multi-label: logits of
 * labels, any of which may be right (sigmoid). regression: numbers, each as (value - mean) / std of the training images.
 */
export const learningTaskSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('classification') }),
  z.strictObject({ type: z.literal('multi-label') }),
  z.strictObject({ type: z.literal('regression'), mean: numbers, std: numbers }),
]);
export type LearningTask = Readonly<z.output<typeof learningTaskSchema>>;
export type TaskType = LearningTask['type'];

export const taskTypes = ['classification', 'multi-label', 'regression'] as const satisfies readonly TaskType[];

/** The task of data and files of versions that knew no other. */
export const classification: LearningTask = { type: 'classification' };
