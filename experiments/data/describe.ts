import {
  inspectDataset,
  pairFindings,
  type DataConfig,
  type DataReport,
  type ImageSurvey,
  type InspectedData,
  type PairFinding,
  type PrepareOptions,
  type SplitName,
} from '../../trainers/index.js';
import { counted } from '../../base/text.js';
import type { TaskType } from '../../base/task.js';
import { proposeData, proposedValues } from '../propose.js';

/** An image by its file, with its classes or numbers and its split; null: no split uses it. */
export interface NamedImage {
  readonly row: number;
  readonly path: string;
  /** `cat`; `cat, outdoors`; `age 33`. */
  readonly label: string;
  readonly split: SplitName | null;
}

export interface NamedPairs extends Pick<PairFinding, 'kind' | 'text'> {
  readonly images: readonly (readonly [NamedImage, NamedImage])[];
}

/** The pairs of each kind that are of no kind before it. */
export function withoutRepeated(kinds: readonly NamedPairs[]): NamedPairs[] {
  const seen = new Set<string>();
  return kinds.map((kind) => ({
    ...kind,
    images: kind.images.filter(([a, b]) => seen.size < seen.add(`${a.row} ${b.row}`).size),
  }));
}

type SplitCounts = Readonly<Record<SplitName, number>>;

/** The contents of a data set, and what is wrong with them. */
export interface DataDescription extends Pick<DataReport, 'damaged' | 'skipped' | 'notes' | 'headers'> {
  /** Path as given, or name. */
  readonly name: string;
  readonly data: DataConfig;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Images that are used. */
  readonly images: number;
  readonly task: TaskType;
  /** Names of the classes, labels or numbers. */
  readonly outputs: readonly string[];
  /** The images of each split; null: they cannot be split. */
  readonly splits: SplitCounts | null;
  /** Each class or label with its images; by splits, unless the images cannot be split. The numbers of a regression: none. */
  readonly classes: readonly { readonly name: string; readonly images: number; readonly splits: SplitCounts | null }[];
  /** The splits that the folders or the table assign. */
  readonly assigned: readonly SplitName[];
  /** Why a run would refuse the images; null: it would not. */
  readonly refusal: { readonly message: string; readonly hint?: string } | null;
  /** Images of the largest class for each one of the smallest, in training; null: there is none. */
  readonly imbalance: number | null;
  /** Images that look the same, by kind, the worst first. */
  readonly pairs: readonly NamedPairs[];
  /** Images of one colour. */
  readonly plain: readonly NamedImage[];
  /** Images without labels that training can use, and the copies of labelled images that it cannot, by their split; null: none. */
  readonly unlabelled: { readonly images: number; readonly copies: SplitCounts } | null;
  /** Values for an experiment by their keys; null for data sets that hold no image files. */
  readonly proposed: Readonly<Record<string, number | string>> | null;
}

/** An open data set with its description; `close` when done. */
export interface DescribedData {
  readonly description: DataDescription;
  readonly inspected: InspectedData;
  readonly nameOf: (row: number) => NamedImage;
}

/**
 * Converts a data set and describes it. Damaged files are left out and listed.
 * @param survey of the image files; null for data sets that hold none
 * @param task uses the description while the data set is open
 * @throws NasError `invalid-input` for files that no data source reads; `interrupted` when the signal is aborted
 */
export async function describeData<T>(
  config: DataConfig,
  survey: ImageSurvey | null,
  options: PrepareOptions,
  task: (described: DescribedData) => Promise<T>,
): Promise<T> {
  const inspected = await inspectDataset(config, options);
  try {
    const { info, labelsOf, numbersOf, splits, report, plain, unlabelled, assigned } = inspected;
    const splitOf = typeof splits === 'function' ? splits : () => undefined;
    const nameOf = (row: number): NamedImage => ({
      row,
      path: inspected.pathOf(row) ?? `image ${row}`,
      label: (numbersOf === null
        ? labelsOf(row).map((label) => info.classes[label])
        : numbersOf(row).map((value, k) => `${info.classes[k]} ${Number(value.toPrecision(4))}`)
      ).join(', '),
      split: splitOf(row) ?? null,
    });
    const { all, classes } = countImages(inspected);
    const inTraining = classes.map(({ images, splits: counts }) => counts?.train ?? images);
    const least = Math.min(...inTraining);
    const isClassified = info.task === undefined;
    const description: DataDescription = {
      name: ('path' in config ? config.path : undefined) ?? info.name,
      data: config,
      ...{ height: info.height, width: info.width, channels: info.channels },
      images: info.count,
      task: info.task ?? 'classification',
      outputs: info.classes,
      splits: all.splits,
      classes,
      assigned,
      refusal:
        typeof splits === 'function'
          ? null
          : { message: splits.message, ...(splits.hint !== undefined && { hint: splits.hint }) },
      imbalance: least === 0 || classes.length === 0 ? null : Math.max(...inTraining) / least,
      headers: report?.headers ?? null,
      damaged: report?.damaged ?? [],
      skipped: report?.skipped ?? [],
      pairs: (report === null ? [] : pairFindings(report, splitOf)).map(({ kind, text, pairs }) => ({
        kind,
        text,
        images: pairs.map(({ rows: [a, b] }) => [nameOf(a), nameOf(b)] as const),
      })),
      plain: plain.map(nameOf),
      unlabelled: unlabelled && { images: unlabelled.indices.length, copies: unlabelled.copies },
      // Data sets without image files.
      notes: report?.notes ?? ['There is no report of this conversion: images that look the same are not known.'],
      proposed:
        survey === null
          ? null
          : proposedValues(proposeData(survey), all.splits?.train ?? all.images, isClassified ? inTraining : null),
    };
    return await task({ description, inspected, nameOf });
  } finally {
    inspected.close();
  }
}

const outputWords: { readonly [T in TaskType]: readonly [one: string, many: string] } = {
  classification: ['class', 'classes'],
  'multi-label': ['label', 'labels'],
  regression: ['number', 'numbers'],
  detection: ['class', 'classes'],
  centroids: ['class', 'classes'],
  segmentation: ['class', 'classes'],
};

/** `291 images of 3 classes`. */
export const contentsText = ({ images, outputs, task }: DataDescription): string =>
  `${counted(images, 'image')} of ${counted(outputs.length, ...outputWords[task])}`;

type Count = DataDescription['classes'][number];

function countImages({ info, labelsOf, splits }: InspectedData): { readonly all: Count; readonly classes: Count[] } {
  const started = () => ({ images: 0, train: 0, validation: 0, test: 0 });
  const total = started();
  const counts = info.classes.map(started);
  for (let row = 0; row < info.count; row++) {
    const split = typeof splits === 'function' ? splits(row) : undefined;
    for (const count of [total, ...labelsOf(row).map((label) => counts[label])]) {
      count.images++;
      if (split !== undefined) count[split]++;
    }
  }
  const named = (name: string, { images, ...bySplit }: typeof total): Count => ({
    name,
    images,
    splits: typeof splits === 'function' ? bySplit : null,
  });
  const classes = info.task === 'regression' ? [] : info.classes.map((name, label) => named(name, counts[label]));
  return { all: named('all', total), classes };
}
