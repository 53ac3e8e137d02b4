import { z } from 'zod';
import type { Network } from '../../spaces/index.js';

const count = z.number().int().min(1);
const positive = z.number().gt(0);

/** What a file of another program may leave open: the normalisation of its images, and the order of its classes. */
const foreign = {
  normalisation: z
    .enum(['imagenet', 'data'])
    .optional()
    .describe(
      "mean and deviation of its images. imagenet: as torchvision and most of timm train with; data: as computed from this data; by default the file's metadata, else the usual one that fits its first batch norm, or a quick head on its features, best",
    ),
  mean: z
    .union([z.number(), z.array(z.number())])
    .optional()
    .describe('subtracted from pixel / 255, for each channel, or one for all; instead of normalisation'),
  std: z
    .union([positive, z.array(positive)])
    .optional()
    .describe('divisor after the subtraction, for each channel, or one for all'),
  classes: z
    .array(z.string())
    .optional()
    .describe(
      "the data's class names in the order of its outputs; by default the file's metadata, or the data's order",
    ),
};

/** How a file that was trained on other images becomes a teacher of these. */
const adaptation = {
  adapt: z
    .enum(['none', 'head', 'all'])
    .optional()
    .describe(
      'none: the file knows the classes of the data; head: its last linear layer is replaced, and fitted on the features that the network computes of the images; all: then all of its weights are fine-tuned. By default none',
    ),
  epochs: count.optional().describe('of the fine-tuning; by default 8, more where images are few'),
  freeze: z
    .array(z.string().min(1))
    .optional()
    .describe('names of weights that fine-tuning leaves as they are; * stands for any characters'),
  size: z
    .int()
    .min(8)
    .max(1024)
    .optional()
    .describe(
      'height and width of its images, where they are others than the file was exported for; a network that is convolutional up to its pooling takes any',
    ),
  features: z
    .string()
    .optional()
    .describe(
      'the value or the TF.js layer that the new head reads; by default what the last linear layer reads. A wrong name lists the others',
    ),
};

/** The keys that have a meaning in some kinds of adaptation only. */
const adaptedKeys = {
  epochs: ['all'],
  freeze: ['all'],
  features: ['head', 'all'],
  size: ['head', 'all'],
  classes: ['none'],
} as const;

function checkAdaptation(
  teacher: { readonly adapt?: string | undefined } & { readonly [K in keyof typeof adaptedKeys]?: unknown },
  context: z.core.$RefinementCtx,
): void {
  const { adapt = 'none' } = teacher;
  for (const [key, kinds] of Object.entries(adaptedKeys))
    if (teacher[key as keyof typeof adaptedKeys] !== undefined && !kinds.some((kind) => kind === adapt))
      context.addIssue({
        code: 'custom',
        path: [key],
        message: `has no effect with adapt: ${adapt}; it needs adapt: ${kinds.join(' or ')}`,
      });
}

/** The teachers of one network each. */
const single = [
  z
    .strictObject({
      type: z.literal('train'),
      network: z
        .enum(['resnet', 'mobilenet', 'pooled'])
        .optional()
        .describe(
          'a ResNet-style reference, a MobileNet, or convolutions with max pools for short trainings (airbench), of the given width; for boxes with a detection head. By default pooled for classes, resnet for numbers and boxes',
        ),
      width: positive
        .max(8)
        .optional()
        .describe('multiplier of all its widths; by default 1, or what minutes leave time for'),
      epochs: count
        .optional()
        .describe('times that it sees all training images; by default 12, more where images are few'),
      minutes: positive
        .optional()
        .describe(
          'time of its training, without its answers: a step is timed on the machine that trains it, and width and epochs grow together with the time. A resumed run keeps them',
        ),
      batch: count
        .max(4096)
        .optional()
        .describe(
          'images for each step; 128, or 16 where they have boxes; 256 for network: pooled with 12,800 images or more',
        ),
      learning_rate: positive
        .optional()
        .describe('of SGD with momentum along a cosine, as in the recipe plain; by default the recipe fast'),
    })
    .superRefine(({ epochs, minutes }, context) => {
      if (epochs !== undefined && minutes !== undefined)
        context.addIssue({
          code: 'custom',
          path: ['minutes'],
          message: 'chooses the epochs; expected no epochs beside it',
        });
    })
    .describe('a network that is trained once, and cached by content'),
  z
    .strictObject({
      type: z.literal('file'),
      path: z
        .string()
        .describe(
          'ONNX file; of a TF.js layers or graph model its folder, its model.json, or a .zip of them. It takes one float32 input of images and gives one output of logits or probabilities',
        ),
      layout: z.enum(['NHWC', 'NCHW']).optional().describe("of its input; by default the file's own metadata or shape"),
      ...foreign,
      ...adaptation,
    })
    .superRefine(checkAdaptation)
    .describe('a classifier of any program; for masks, a segmenter of any program; for boxes, a detector of nas'),
] as const;

/** `teacher:`; the teacher of the candidates. */
export const teacherSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }).describe('no teacher: candidates learn from the labels'),
  ...single,
  z
    .strictObject({
      type: z.literal('average'),
      of: z.array(z.discriminatedUnion('type', single)).min(2).describe('the teachers, whose images have one size'),
    })
    .describe('the mean of the probabilities, or of the numbers, of several teachers'),
]);
export type TeacherConfig = z.output<typeof teacherSchema>;
/** A configured teacher of one network. */
export type SingleTeacher = z.output<(typeof single)[number]>;

/** A trained network as a teacher. */
export interface NetworkTeacher {
  readonly type: 'network';
  /** For messages: `trial 7`. */
  readonly name: string;
  readonly network: Network;
  /** File of its weights (`readWeights`). */
  readonly weights: string;
}

/** A configured teacher, or a trained network. */
export type Teacher = Exclude<TeacherConfig, { type: 'none' }> | NetworkTeacher;

/** The normalisation of a teacher's images, per channel of pixel / 255. */
export interface TeacherNormalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /**
   * Its source; `norms`, `head`: the usual one that fits the file's first batch norm, or a quick head on its features, best;
   * `answers`: the usual one with which a segmenter answers best; `data`: neither the experiment nor the file
   * says it, so the data's is used.
   */
  readonly from: 'configuration' | 'metadata' | 'norms' | 'head' | 'answers' | 'data';
  /** Of `norms` and `head`: which one it is, and how much better it fits than the next. */
  readonly found?: string;
}
