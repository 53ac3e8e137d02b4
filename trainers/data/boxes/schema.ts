/** Formats of files with boxes, with their names. */
export const boxFormats = { coco: 'COCO JSON', voc: 'Pascal VOC XML', yolo: 'YOLO text files', csv: 'CSV' } as const;
export type BoxFormat = keyof typeof boxFormats;
