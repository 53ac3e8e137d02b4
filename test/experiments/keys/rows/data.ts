import { row, type Row } from '../row.js';

export interface DataFiles {
  /** Two folders of IDX files. */
  readonly idx: readonly [string, string];
  /** Two folders of CIFAR's binary files. */
  readonly cifar: readonly [string, string];
  /** Two folders of pictures, a folder for each of the classes red, green and blue. */
  readonly pictures: readonly [string, string];
  /** Two tables of the pictures: columns image, file, label, colour, split, part, group, camera, number. */
  readonly tables: readonly [string, string];
  /** Two folders of pictures without labels. */
  readonly unlabelled: readonly [string, string];
}

const taught = { teacher: { type: 'train', network: 'mobilenet', width: 0.25, epochs: 1 } };

/** The keys of `data:`. */
export function dataRows({ idx, cifar, pictures, tables, unlabelled }: DataFiles): Row[] {
  const shares = { validation: [0.2, 0.4], subset: [1, 0.5], unlabelled };
  const images = {
    size: [16, 24],
    channels: [1, 3],
    fit: ['cover', 'contain', 'stretch'],
    background: ['#000000', '#ff0000'],
    resampling: ['lanczos3', 'linear'],

    test: [0.2, 0.4],
  };
  const list = { path: tables[0], image: 'image', label: 'label', size: 16 };
  const keys: readonly (readonly [
    type: string,
    beside: object,
    values: Readonly<Record<string, readonly unknown[]>>,
  ])[] = [
    ['fashion-mnist', { path: idx[0] }, { path: idx, ...shares }],
    ['cifar10', { path: cifar[0] }, { path: cifar, ...shares }],
    [
      'image-folder',
      { path: pictures[0], size: 16 },
      {
        path: pictures,
        classes: [
          ['red', 'green'],
          ['red', 'green', 'blue'],
        ],
        ...images,
        ...shares,
      },
    ],
    [
      'list',
      list,
      {
        path: tables,
        image: ['image', 'file'],
        label: ['label', 'colour'],
        split: ['split', 'part'],
        group: ['group', 'camera'],
        classes: [
          ['red', 'green'],
          ['red', 'green', 'blue'],
        ],
        task: ['classification', 'multi-label'],
        ...images,
        ...shares,
      },
    ],
  ];
  const damaged = { 'image-folder': `${pictures[0]}-damaged`, list: `${tables[0]}-damaged.csv` };
  return [
    row(
      'data.type',
      [
        { type: 'fashion-mnist', path: idx[0] },
        { type: 'cifar10', path: cifar[0] },
        { type: 'image-folder', path: pictures[0], size: 16 },
        { type: 'list', ...list },
      ],
      'train',
    ),
    ...keys.flatMap(([type, beside, values]) =>
      Object.entries(values).map(([key, own]) =>
        row(`data(${type}).${key}`, own, 'data', {
          data: {
            path: null,
            type,
            ...beside,
            ...(key === 'background' && { fit: 'contain' }),
            ...(key === 'group' && { path: `${tables[0]}-without.csv` }),
          },
          train: { batch: 4 },
          objectives: ['macs'],
          ...(key === 'unlabelled' && taught),
        }),
      ),
    ),
    ...Object.entries(damaged).map(([type, path]) =>
      row(`data(${type}).damaged`, ['refuse', 'skip'], 'refused', { data: { type, path, size: 16 } }),
    ),
  ];
}
