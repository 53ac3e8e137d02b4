import { z } from 'zod';
import { invalidInput } from '../../../base/errors.js';
import { fileShares } from '../schema.js';

/** Formats of files with boxes, with their names. */
export const boxFormats = { coco: 'COCO JSON', voc: 'Pascal VOC XML', yolo: 'YOLO text files', csv: 'CSV' } as const;
export type BoxFormat = keyof typeof boxFormats;

/** `data:` of boxes. No task trains on them: experiments do not have it. */
export const boxesSchema = z
  .strictObject({
    type: z.literal('boxes'),
    path: z
      .string()
      .min(1)
      .describe('folder or archive (.zip, .tar, .tar.gz) of images and boxes, or the file that lists the boxes'),
    group: z
      .string()
      .optional()
      .describe('column of groups (patient, camera, plant) of a CSV file, each of which stays in one split'),
    ...fileShares,
  })
  .describe('images with boxes');
export type BoxesConfig = Readonly<z.output<typeof boxesSchema>>;

/** The refusal of boxes where a network is trained or scored. @param where the file or argument */
export const refuseBoxes = (where: string) =>
  invalidInput(
    `${where}: images with boxes (type boxes) can be looked at, but no network is trained or scored on them`,
    {
      hint: 'nas data shows them; to train a classifier, name images with classes.',
    },
  );
