import { z } from 'zod';

const numbers = z.array(z.number()).min(1).readonly();

/**
 * What the outputs of a network mean. classification: logits of classes, one of which is right (softmax). multi-label: logits of
 * labels, any of which may be right (sigmoid). regression: numbers, each as (value - mean) / std of the training images. detection: for
 * each cell of a grid, logits of classes (sigmoid) and a box. centroids: for each cell, logits of classes alone.
 * segmentation: for each cell, logits of classes, one of which each pixel has (softmax).
 */
export const learningTaskSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('classification') }),
  z.strictObject({ type: z.literal('multi-label') }),
  z.strictObject({ type: z.literal('regression'), mean: numbers, std: numbers }),
  z.strictObject({ type: z.literal('detection') }),
  z.strictObject({ type: z.literal('centroids') }),
  z.strictObject({ type: z.literal('segmentation') }),
]);
