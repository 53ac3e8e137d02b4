import { smallSpace } from '../../../runner/experiment.js';
import { laidOver, row, type Row } from '../row.js';

export interface BoxFiles {
  /** Two folders of images with squares and discs, in COCO JSON. */
  readonly boxes: readonly [string, string];
  /** Two folders of such images with masks. */
  readonly masks: readonly [string, string];
  /** A table of the boxes of the first one: columns image, x1, y1, x2, y2, label, group, camera. */
  readonly boxTable: string;
}

const { head: _, ...backbone } = smallSpace;

/** The experiment that the rows of boxes change: detectors whose decisions are those of the other rows' classifiers. */
export const boxesBase = (whole: object, { boxes: [path] }: BoxFiles): object =>
  laidOver(whole, {
    data: { type: 'boxes', path, size: 28, channels: 1 },
    space: { ...backbone, head: null, detect: { stride: 4, deepest: 4, width: 8, depth: 1 } },
    train: { batch: 4 },
    objectives: ['ap50', 'macs'],
  }) as object;

const types = { mobilenet: 'stages', efficientnet: 'stages', blocks: 'blocks' } as const;

/** The head of detectors in each type of staged space. */
const detectRows = (): Row[] =>
  (Object.keys(types) as (keyof typeof types)[]).flatMap((type) => {
    const stage = { filters: 8, stride: 2, depth: 1 };
    const space = { type, stages: null, [types[type]]: [stage, stage, stage], detect: { deepest: 8 } };
    const keys = { stride: [4, 8], deepest: [8, 16], width: [8, 16], depth: [0, 1], se: [0, 0.5] };
    return Object.entries(keys).map(([key, values]) => row(`space(${type}).detect.${key}`, values, 'space', { space }));
  });

/** The steps of augmentation that only boxes have. */
const augmentRows = (): Row[] =>
  (['train', 'final', 'supernet'] as const).flatMap((at) =>
    Object.entries({
      'window).zoom': [0.1, 0.5],
      'window).aspect': [0, 0.2],
      'window).visible': [0.2, 0.6],
      'mosaic).share': [0.2, 0.8],
    }).map(([key, values]) =>
      row(`${at}.augment[](${key}`, values, 'train', at === 'final' ? { final: { epochs: 5 } } : {}),
    ),
  );

/** The keys of experiments that only images with boxes or masks have. */
export function ownBoxRows({ boxes, boxTable, masks }: BoxFiles): Row[] {
  const keys = {
    size: [28, [28, 40]],
    channels: [1, 3],
    resampling: ['lanczos3', 'linear'],
    validation: [0.2, 0.4],
    test: [0.2, 0.4],
    subset: [1, 0.5],
  };
  return [
    ...Object.entries({ path: boxes, ...keys }).map(([key, values]) => row(`data(boxes).${key}`, values, 'data')),
    ...Object.entries({
      path: masks,
      ...keys,
      classes: [undefined, ['grey', 'red', 'blue']],
      ignore: [undefined, [1]],
    }).map(([key, values]) =>
      row(`data(masks).${key}`, values, 'data', { data: { type: 'masks', path: masks[0] }, objectives: null }),
    ),
    row('data(boxes).task', ['detection', 'centroids'], 'data', { objectives: null }),
    row('data(boxes).group', ['group', 'camera'], 'data', { data: { path: boxTable } }),
    ...detectRows(),
    ...augmentRows(),
  ];
}

/** Keys of other experiments that detectors do not have: one of their values is refused. */
export const notForBoxes =
  /^supernet\.loss|^teacher.*\(file\)\.(adapt|epochs|freeze|features|size)|class_weight|\.loss(\.type|\(dkd|\(.*\.(?!alpha))|augment\[\](\.type|\((?!flip|colour|window|mosaic))/;

/** The rows of classifiers with the objectives of detectors. */
export const onBoxes = (rows: readonly Row[]): Row[] =>
  rows
    .filter(({ key }) => !/^(data|space)\b/.test(key))
    .map(({ values, base, ...one }) => {
      const renamed = JSON.parse(JSON.stringify({ base }).replaceAll('"accuracy"', '"ap50"')) as Pick<Row, 'base'>;
      return { ...one, ...renamed, values: values.map((value) => (value === 'accuracy' ? 'ap50' : value)) };
    });
