import { invalidInput } from '../../../base/errors.js';

/** Formats of files with boxes, with their names. */
export const boxFormats = { coco: 'COCO JSON', voc: 'Pascal VOC XML', yolo: 'YOLO text files', csv: 'CSV' } as const;
export type BoxFormat = keyof typeof boxFormats;

/** The refusal of boxes where a network is trained or scored. @param where the file or argument */
export const refuseBoxes = (where: string) =>
  invalidInput(
    `${where}: images with boxes (type boxes) can be looked at, but no command trains or scores networks on them yet`,
    {
      hint: 'nas data shows them; to train a classifier, name images with classes.',
    },
  );
