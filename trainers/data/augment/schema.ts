import { z } from 'zod';

/** A range from the first number to the second. */
const range = (bound: z.ZodNumber) =>
  z.tuple([bound, bound]).refine(([from, to]) => from <= to, 'begins above its end');

const strength = z.number().min(0).max(1);
const count = z.number().int().min(1);
const mixingWeight = z.number().gt(0).max(16);

const stepSchema = z.discriminatedUnion('type', [
  z
    .strictObject({
      type: z.literal('flip'),
      vertical: z
        .boolean()
        .optional()
        .describe('also turns half of the images upside down, where they have no up: cells, parts, views from above'),
    })
    .describe('mirrors half of the images horizontally'),
  z
    .strictObject({
      type: z.literal('crop'),
      pixels: count.max(64).optional().describe('most pixels that the image moves; by default a sixteenth of its side'),
    })
    .describe('moves the image in both directions; its border is filled by reflection'),
  z
    .strictObject({
      type: z.literal('resized-crop'),
      area: range(z.number().gt(0).max(1))
        .default([0.35, 1])
        .describe("from and to: the part's share of the image's area"),
      aspect: range(z.number().min(0.1).max(10))
        .default([0.75, 1.33])
        .describe("from and to: the part's width / height, relative to the image's"),
    })
    .describe('enlarges a random part of the image to its whole size (Szegedy et al. 2015)'),
  z
    .strictObject({
      type: z.literal('colour-jitter'),
      brightness: strength.default(0.3).describe('most relative change of brightness'),
      contrast: strength.default(0.3).describe('most relative change of contrast'),
      saturation: strength.default(0.3).describe('most relative change of saturation; grey images have none'),
    })
    .describe('changes brightness, contrast and saturation'),
  z
    .strictObject({
      type: z.literal('rotation'),
      degrees: z.number().gt(0).max(180).default(15).describe('largest angle in either direction'),
    })
    .describe('rotates around the centre; corners are filled by reflection'),
  z
    .strictObject({
      type: z.literal('trivial-augment'),
      strength: z
        .number()
        .gt(0)
        .max(1)
        .default(1)
        .describe('share of the full ranges: the wide ones of the paper, and shifts by a third of the side'),
    })
    .describe(
      'one random operation of random strength: shear, shift, rotation, brightness, contrast, saturation, sharpness, posterize, solarize, autocontrast, equalize, or nothing (Mueller & Hutter 2021)',
    ),
  z
    .strictObject({
      type: z.literal('cutout'),
      size: count.max(256).optional().describe("side of the square in pixels; by default a quarter of the image's"),
    })
    .describe('sets a square to the mean, after all other steps of an image (DeVries & Taylor 2017)'),
  z
    .strictObject({
      type: z.literal('window'),
      zoom: z.number().min(0).max(2).default(0.3).describe('largest logarithm of the factor of the size, either way'),
      aspect: z
        .number()
        .min(0)
        .max(1)
        .default(0.1)
        .describe('largest logarithm of the factor by which the width grows and the height shrinks, or the other way'),
      visible: strength.default(0.4).describe('boxes of which a smaller share is left in the window are left out'),
    })
    .describe(
      'only for images with boxes or masks: scales the whole image, and puts it at a random place; grey around it',
    ),
  z
    .strictObject({
      type: z.literal('mosaic'),
      share: strength.default(0.5).describe('share of the images that become a mosaic'),
    })
    .describe(
      'only for images with boxes or masks: shows four images side by side, each at least as large as its part',
    ),
  z
    .strictObject({
      type: z.literal('mixup'),
      alpha: mixingWeight.default(0.2).describe('of the weight, drawn from Beta(alpha, alpha)'),
    })
    .describe('blends the finished image and its label with those of another image (Zhang et al. 2018)'),
  z
    .strictObject({
      type: z.literal('cutmix'),
      alpha: mixingWeight.default(1).describe("of the image's share of the area, drawn from Beta(alpha, alpha)"),
    })
    .describe(
      "replaces a rectangle of the finished image by that of another image, and the rectangle's share of the label (Yun et al. 2019)",
    ),
]);

/** `train.augment:`; the steps of an image's augmentation, in their order. A word stands for a step with its defaults. */
export const augmentSchema = z.array(
  z.preprocess((value) => (typeof value === 'string' ? { type: value } : value), stepSchema),
);

export type AugmentStep = z.output<typeof stepSchema>;
/** The steps of an augmentation; empty: images as they are. */
export type Augmentation = readonly AugmentStep[];
/** The configuration of the steps of a type. */
export type StepConfig<Type extends AugmentStep['type']> = Extract<AugmentStep, { readonly type: Type }>;
