import { countsOf } from '../../base/group.js';
import { isDeepStrictEqual } from 'node:util';
import { mean } from '../../base/statistics.js';
import { openImages, type Columns } from './cache.js';
import type { DecodedFiles } from './decode-files.js';
import { findDuplicates, likeness, type Pair } from './near-duplicates.js';
import type { Item, Listing } from './reading/listing.js';
import type { DataReport } from './report.js';
import type { FileSource } from './sources/source.js';

/** The report of a conversion. @param directory of the new cache */
export function makeReport(
  { tree, listing, height, width, channels }: FileSource,
  { items, damaged, headers: sampled }: DecodedFiles,
  columns: Columns,
  directory: string,
): DataReport {
  const shape = [height, width, channels] as const;
  const images = openImages(directory, height * width * channels);
  const isAlike = likeness((row) => images.read(row), shape);
  const { exact, near } = findDuplicates(columns.keys, columns.looks, isAlike);
  images.close();
  const named = ([a, b]: Pair): DataReport['duplicates']['exact'][number] => ({
    files: [items[a].file.path, items[b].file.path],
    rows: [a, b],
  });
  const headers = sampled.flatMap((header) => header ?? []);
  const isConflict = ([a, b]: Pair): boolean =>
    !isDeepStrictEqual([items[a].label, items[a].targets], [items[b].label, items[b].targets]);
  return {
    path: tree.path,
    images: items.length,
    classes: (listing.task === 'regression' ? [] : listing.classes).map((name, label) => ({
      name,
      counts: countOf(items.filter((item) => hasLabel(item, label)).map(({ split }) => split ?? 'unassigned')),
    })),
    headers:
      headers.length === 0
        ? null
        : {
            images: headers.length,
            formats: countOf(headers.map(({ format }) => format)),
            colours: countOf(headers.map(({ colours }) => colours)),
            sides: spread(headers.map((header) => Math.min(header.width, header.height))),
            aspects: spread(headers.map((header) => header.width / header.height)),
          },
    damaged: [...damaged],
    ...listed(listing, items),
    duplicates: {
      exact: exact.map(named),
      near: near.map(named),
      conflicts: [...exact, ...near].filter(isConflict).map(named),
    },
  };
}

/** The parts of a report that do not need the images. @param items that are not damaged */
const listed = (listing: Listing, items: readonly Item[]): Pick<DataReport, 'skipped' | 'notes'> => ({
  skipped: [...listing.skipped],
  notes: [...listing.notes, ...(listing.task === 'regression' ? rangesOf(listing.classes, items) : [])],
});

/** The report of an earlier conversion of the same images; other files beside them may have come and gone since. */
export function renewedReport(report: DataReport, { listing }: FileSource): DataReport {
  const paths = new Set(listing.items.map(({ file }) => file.path));
  const damaged = report.damaged.filter(({ path }) => paths.has(path));
  const broken = new Set(damaged.map(({ path }) => path));
  const items = listing.items.filter(({ file }) => !broken.has(file.path));
  return { ...report, ...listed(listing, items), damaged: [...(listing.damaged ?? []), ...damaged] };
}

const hasLabel = ({ label, targets }: Item, index: number): boolean =>
  targets === undefined ? label === index : targets[index] === 1;

/** `age: 1 to 93, on average 33.2.` */
const rangesOf = (names: readonly string[], items: readonly Item[]): string[] =>
  names.map((name, k) => {
    const values = items.map(({ targets = [] }) => targets[k]);
    const { min, max } = spread(values);
    return `${name}: ${plainNumber(min)} to ${plainNumber(max)}, on average ${plainNumber(mean(values))}.`;
  });

const plainNumber = (value: number): string => String(Number(value.toPrecision(4)));

const countOf = (values: readonly string[]): Record<string, number> => Object.fromEntries(countsOf(values));

function spread(values: readonly number[]): { min: number; median: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { min: sorted[0], median: sorted[sorted.length >> 1], max: sorted[sorted.length - 1] };
}
