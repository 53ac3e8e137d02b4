import {
  inspectDataset,
  pairFindings,
  splitNames,
  type DataConfig,
  type DataReport,
  type ImageSurvey,
  type InspectedData,
  type PairFinding,
  type PrepareOptions,
  type SplitName,
} from '../../trainers/index.js';
import { proposeData, proposedValues } from '../propose/propose.js';

/** An image by its file, with its class and split; null: no split uses it. */
export interface NamedImage {
  readonly row: number;
  readonly path: string;
  readonly class: string;
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
  /** Each class with its images; by splits, unless the images cannot be split. */
  readonly classes: readonly { readonly name: string; readonly images: number; readonly splits: SplitCounts | null }[];
  /** The splits that the folders or the table assign. */
  readonly assigned: readonly SplitName[];
  /** Why a run would refuse the images; null: it would not. */
  readonly refusal: { readonly message: string; readonly hint?: string } | null;
  /** Images of the largest class for each one of the smallest, in training; null: a class has none. */
  readonly imbalance: number | null;
  /** Images that look the same, by kind, the worst first. */
  readonly pairs: readonly NamedPairs[];
  /** Images of one colour. */
  readonly plain: readonly NamedImage[];
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
    const { info, labels, splits, report, plain } = inspected;
    const splitOf = typeof splits === 'function' ? splits : () => undefined;
    const nameOf = (row: number): NamedImage => ({
      row,
      path: inspected.pathOf(row) ?? `image ${row}`,
      class: info.classes[labels[row]],
      split: splitOf(row) ?? null,
    });
    const classes = countClasses(inspected);
    const inTraining = classes.map(({ images, splits: counts }) => counts?.train ?? images);
    const least = Math.min(...inTraining);
    const description: DataDescription = {
      name: ('path' in config ? config.path : undefined) ?? info.name,
      data: config,
      ...{ height: info.height, width: info.width, channels: info.channels },
      images: info.count,
      classes,
      assigned: splitNames.filter((name) => report?.classes.some(({ counts }) => name in counts)),
      refusal:
        typeof splits === 'function'
          ? null
          : { message: splits.message, ...(splits.hint !== undefined && { hint: splits.hint }) },
      imbalance: least === 0 ? null : Math.max(...inTraining) / least,
      headers: report?.headers ?? null,
      damaged: report?.damaged ?? [],
      skipped: report?.skipped ?? [],
      pairs: (report === null ? [] : pairFindings(report, splitOf)).map(({ kind, text, pairs }) => ({
        kind,
        text,
        images: pairs.map(({ rows: [a, b] }) => [nameOf(a), nameOf(b)] as const),
      })),
      plain: plain.map(nameOf),
      notes: report?.notes ?? ['Images that look the same are looked for in image files only.'],
      proposed: survey === null ? null : proposedValues(proposeData(survey), inTraining),
    };
    return await task({ description, inspected, nameOf });
  } finally {
    inspected.close();
  }
}

function countClasses({ info, labels, splits }: InspectedData): DataDescription['classes'] {
  const counts = info.classes.map(() => ({ images: 0, train: 0, validation: 0, test: 0 }));
  for (const [row, label] of labels.entries()) {
    counts[label].images++;
    const split = typeof splits === 'function' ? splits(row) : undefined;
    if (split !== undefined) counts[label][split]++;
  }
  return info.classes.map((name, label) => {
    const { images, ...bySplit } = counts[label];
    return { name, images, splits: typeof splits === 'function' ? bySplit : null };
  });
}
