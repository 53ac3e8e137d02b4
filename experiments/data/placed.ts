import type { ErrorDetails } from '../../base/errors.js';
import { counted } from '../../base/text.js';
import {
  splitNames,
  splitsOrRefusal,
  type BoxImage,
  type Finding,
  type ImageRow,
  type SplitImage,
  type SplitName,
  type SplitShares,
} from '../../trainers/index.js';

export type SplitCounts = Readonly<Record<SplitName, number>>;

/** The part of a description that images with boxes and images with masks have. */
export interface PlacedDescription<Kind extends string = string> {
  /** Images by split; null: they cannot be split. */
  readonly splits: SplitCounts | null;
  readonly assigned: readonly SplitName[];
  readonly refusal: ({ readonly message: string } & Pick<ErrorDetails, 'hint'>) | null;
  readonly findings: readonly { readonly kind: Kind; readonly text: string; readonly all: readonly Finding<Kind>[] }[];
}

/** An image with its file and its classes. */
export interface NamedSplitImage extends SplitImage {
  readonly file: BoxImage['file'];
}

/** A data set with its description and the split of each image; null: the images cannot be split. */
export interface Described<Description, Data> {
  readonly description: Description;
  readonly data: Data;
  /** The images with their classes, in the order of the data. */
  readonly images: readonly NamedSplitImage[];
  readonly splits: readonly SplitName[] | null;
}

export function countBySplit(entries: readonly (readonly [SplitName, number])[]): SplitCounts {
  const counts = { train: 0, validation: 0, test: 0 };
  for (const [name, count] of entries) counts[name] += count;
  return counts;
}

/** Splits images and names their findings. @param kinds the words of each kind, the worst first */
export function describePlaced<Kind extends string>(
  images: readonly SplitImage[],
  classes: readonly string[],
  shares: Pick<SplitShares, 'test' | 'validation'>,
  {
    findings,
    kinds,
  }: { findings: readonly Finding<Kind>[]; kinds: Readonly<Record<Kind, readonly [one: string, many: string]>> },
): { readonly placed: PlacedDescription<Kind>; readonly splits: readonly SplitName[] | null } {
  const split = splitsOrRefusal(images, classes, shares);
  const splits = 'code' in split ? null : split;
  const placed: PlacedDescription<Kind> = {
    splits: splits && countBySplit(splits.map((name) => [name, 1])),
    assigned: splitNames.filter((name) => images.some((image) => image.split === name)),
    refusal: 'code' in split ? { message: split.message, ...(split.hint !== undefined && { hint: split.hint }) } : null,
    // The keys of the table are the kinds.
    findings: (Object.keys(kinds) as Kind[]).flatMap((kind) => {
      const all = findings.filter((finding) => finding.kind === kind);
      const [one, many] = kinds[kind];
      return all.length === 0 ? [] : [{ kind, text: counted(all.length, one, many), all }];
    }),
  };
  return { placed, splits };
}

/** Images with their classes and splits, as lines of a table. */
export const placedRows = (
  images: readonly NamedSplitImage[],
  classes: readonly string[],
  splits: readonly SplitName[] | null,
): ImageRow[] =>
  images.map(({ file, labels, content }, i) => ({
    path: file.path,
    label: labels.map((label) => classes[label]).join(';'),
    split: splits?.[i] ?? '',
    content,
  }));
