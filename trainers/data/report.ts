import { z } from 'zod';
import { counted } from '../../base/text.js';
import { damageCauses, type DamageCause } from './decode.js';
import type { DamagedFile } from './reading/files.js';
import { extensionOf, type SkipCause } from './reading/names.js';

const causes = Object.keys(damageCauses) as [DamageCause, ...DamageCause[]];

/** Why files are left out, with the words of reports. */
const skipCauses: Readonly<Record<SkipCause, readonly [one: string, many: string]>> = {
  format: ['image in a format that cannot be read', 'images in formats that cannot be read'],
  outside: ['image outside of the class folders', 'images outside of the class folders'],
  unlabelled: ['image without a label', 'images without a label'],
  size: [
    'file larger than 512 MiB, or packed more than a thousandfold',
    'files larger than 512 MiB, or packed more than a thousandfold',
  ],
  link: ['broken or circular link, or special file', 'broken or circular links, or special files'],
  repeated: ['repeated entry', 'repeated entries'],
  other: ['other file', 'other files'],
  hidden: ['hidden file or leftover of a system', 'hidden files and leftovers of systems'],
};

const damagedSchema = z.strictObject({ path: z.string(), cause: z.enum(causes), message: z.string() });

const number = (value: number): string => value.toLocaleString('en-US');
/** Files in a message; the file of the report has all. */
const shown = 10;

/** `200 of 20,000 images cannot be used: 120 truncated images, ...`, with the first ten. */
export function damageText(damaged: readonly DamagedFile[], count: number): string {
  const counts = Object.entries(damageCauses).flatMap(([cause, text]) => {
    const own = damaged.filter((file) => file.cause === cause).length;
    return own === 0 ? [] : [`${number(own)} ${text}`];
  });
  const first = damaged.slice(0, shown).map(({ path, message }) => `\n  ${path}: ${message}`);
  const more = damaged.length > shown ? `\n  ... ${number(damaged.length - shown)} more` : '';
  return `${number(damaged.length)} of ${counted(count, 'image')} cannot be used (${counts.join(', ')}):${first.join('')}${more}`;
}

const counts = z.record(z.string(), z.number());
/** Two images, the earlier one first. */
const pair = z.strictObject({
  files: z.tuple([z.string(), z.string()]),
  /** Their positions in the converted data set. */
  rows: z.tuple([z.number(), z.number()]),
});

export const reportSchema = z.strictObject({
  /** The folder, archive or list; the name of a data set that holds no image files. */
  path: z.string(),
  /** Images that are used. */
  images: z.number(),
  /** Each class with its images by the splits of the source; `unassigned` are split by the shares of the experiment. */
  classes: z.array(z.strictObject({ name: z.string(), counts })),
  /** Statistics of the headers of a sample of the images; null without image files. */
  headers: z
    .strictObject({
      /** Images whose headers were read. */
      images: z.number(),
      formats: counts,
      colours: counts,
      /** Shorter sides in pixels. */
      sides: z.strictObject({ min: z.number(), median: z.number(), max: z.number() }),
      /** Width / height. */
      aspects: z.strictObject({ min: z.number(), median: z.number(), max: z.number() }),
    })
    .nullable(),
  damaged: z.array(damagedSchema),
  skipped: z.array(z.strictObject({ path: z.string(), cause: z.enum(Object.keys(skipCauses) as [SkipCause]) })),
  duplicates: z.strictObject({
    /** Images with the same pixels in the size of the data set. */
    exact: z.array(pair),
    /** Images that look the same: other sizes, compressions or brightness of one picture. */
    near: z.array(pair),
    /** Pairs of both kinds whose images have different labels. */
    conflicts: z.array(pair),
  }),
  /** Sentences about how the folders or tables were read. */
  notes: z.array(z.string()),
});

/** The contents of a data set, and the files that were left out. */
export type DataReport = Readonly<z.output<typeof reportSchema>>;

/** `2 images in formats that cannot be read (.bmp)` for each cause, by the order of the table. */
function skippedText(skipped: DataReport['skipped']): string {
  return Object.entries(skipCauses)
    .flatMap(([cause, [one, many]]) => {
      const own = skipped.filter((file) => file.cause === cause);
      if (own.length === 0) return [];
      const extensions = [...new Set(own.map(({ path }) => extensionOf(path)))];
      const kinds = cause === 'format' || cause === 'other' ? ` (${extensions.slice(0, 5).join(', ')})` : '';
      return [`${counted(own.length, one, many)}${kinds}`];
    })
    .join(', ');
}

type Pairs = DataReport['duplicates']['exact'];

/** Kinds of pairs, the worst first, with the words of reports. A pair may be of several kinds. */
const pairKinds = {
  across: [
    'pair of copies lies in different splits, which makes accuracies too high',
    'pairs of copies lie in different splits, which makes accuracies too high',
  ],
  conflicts: ['pair of copies has different labels', 'pairs of copies have different labels'],
  exact: ['image has the same pixels as another one', 'images have the same pixels as another one'],
  near: ['pair of images looks the same', 'pairs of images look the same'],
} as const;
export type PairKind = keyof typeof pairKinds;

/** Pairs of one kind; there is at least one. */
export interface PairFinding {
  readonly kind: PairKind;
  /** `2 pairs of images look the same`. */
  readonly text: string;
  readonly pairs: Pairs;
}

/**
 * The pairs of images that look the same, by kind, the worst first.
 * @param splitOf the split of an image by its position; undefined: it is not used
 */
export function pairFindings(
  { duplicates: { exact, near, conflicts } }: Pick<DataReport, 'duplicates'>,
  splitOf: (row: number) => string | undefined,
): PairFinding[] {
  const across = [...exact, ...near].filter(({ rows: [a, b] }) => {
    const splits = [splitOf(a), splitOf(b)];
    return splits[0] !== splits[1] && !splits.includes(undefined);
  });
  const found = { across, conflicts, exact, near };
  return Object.entries(pairKinds).flatMap(([name, [one, many]]) => {
    const kind = name as PairKind;
    const pairs = found[kind];
    return pairs.length === 0 ? [] : [{ kind, text: counted(pairs.length, one, many), pairs }];
  });
}

/** Sentences about the files that are not used. */
export const leftOutLines = ({
  damaged,
  skipped,
  images,
}: Pick<DataReport, 'damaged' | 'skipped' | 'images'>): string[] => [
  ...(skipped.length === 0 ? [] : [`Left out: ${skippedText(skipped)}.`]),
  ...(damaged.length === 0 ? [] : [`Left out: ${damageText(damaged, images + damaged.length)}`]),
];

/**
 * The report as lines of a log.
 * @param splitOf as for `pairFindings`
 * @param file with the whole report
 */
export function reportLines(report: DataReport, splitOf: (row: number) => string | undefined, file: string): string[] {
  const lines = [
    ...report.notes,
    ...leftOutLines(report),
    ...pairFindings(report, splitOf).map(({ text, pairs }) => `${text}, such as ${pairs[0].files.join(' and ')}.`),
  ];
  return lines.length === 0 ? [] : [...lines, `The whole report: ${file}`];
}
