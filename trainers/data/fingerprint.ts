import { groupBy } from '../../base/group.js';
import { relative, resolve } from 'node:path';
import { contentHash } from '../../base/hash.js';
import { boxesText } from './box-table.js';
import { openCache, type ImageCache } from './cache.js';
import { splitCache, type DatasetRef } from './dataset.js';
import { convertedFiles, readReport, splitsByRow } from './prepare.js';
import { noGroup } from './split-images.js';
import type { SplitName } from './splits.js';

/** An image of a data set as a line of a table. */
export interface ImageRow {
  /** Of its file, relative to the folder, archive or list; `#17` where the data set holds no image files. */
  readonly path: string;
  /** Its class; its labels, numbers or boxes with `;` between them; empty without labels. */
  readonly label: string;
  /** Empty: no split uses it (`data.subset`). */
  readonly split: SplitName | 'unlabelled' | '';
  /** SHA-256 of its file. A data set without image files has the first bits of the SHA-256 of its pixels. */
  readonly content: string;
}

/** The images of a data set and what their splits rest on. */
export interface ImageList {
  readonly rows: readonly ImageRow[];
  /** Changes with the paths, contents, labels, splits and groups of the images, not with their order, their dates, or where they are. */
  readonly hash: string;
}

/** The labelled images of a prepared data set. */
export function labelledImagesOf(ref: DatasetRef): ImageList {
  const cache = openCache(ref.directory);
  try {
    const { groups, keys } = cache.table;
    const splits = splitCache(cache, ref, ref.fold);
    const splitOf = splitsByRow((name) => splits[name]);
    const names = namesOf(ref.directory);
    const rows = Array.from(keys, (key, row): ImageRow => {
      const { path, content } = names[row] ?? { path: `#${row}`, content: key.toString(16) };
      return { path, label: labelOf(cache, row), split: splitOf(row) ?? '', content };
    });
    // A group is known by its first image.
    const first = new Map<number, string>();
    const ofGroups = rows.map(({ path }, row) => {
      const group = groups?.[row] ?? noGroup;
      if (group === noGroup) return '';
      if (!first.has(group)) first.set(group, path);
      return first.get(group) ?? '';
    });
    // Pixels that are given are hashed whole; a key is a part of a hash.
    const pixels = names.length === 0 ? cache.meta.hash : '';
    const { classes, task = 'classification' } = cache.meta;
    const lines = rows.map(({ path, label, split, content }, i) =>
      [path, content, label, split, ofGroups[i]].join('\0'),
    );
    return { rows, hash: contentHash(task, classes, pixels, lines.sort()) };
  } finally {
    cache.close();
  }
}

/** The images without labels of a prepared data set; null: there are none. */
export function unlabelledImagesOf({ unlabelled }: DatasetRef): ImageList | null {
  if (unlabelled === undefined) return null;
  const files = convertedFiles(unlabelled.directory).map(({ path, content = '' }) => ({ path, content }));
  const rows = files.map((file): ImageRow => ({ ...file, label: '', split: 'unlabelled' }));
  return { rows, hash: contentHash(rows.map(({ path, content }) => `${path}\0${content}`).sort()) };
}

/** The files of the images of a cache in their order; none where it holds pixels that were given. */
function namesOf(directory: string): readonly { path: string; content: string }[] {
  // Lists may name images by whole paths.
  const folder = resolve(readReport(directory)?.path ?? '');
  return convertedFiles(directory).map(({ path, content = '' }) => ({
    path: resolve(path) === path ? relative(folder, path) : path,
    content,
  }));
}

function labelOf({ meta, table, targets, boxes }: ImageCache, row: number): string {
  const { classes, task } = meta;
  if (boxes !== null) return boxesText(boxes, row, classes);
  if (targets === null) return classes[table.labels[row]] ?? '';
  const own = Array.from(targets.subarray(row * classes.length, (row + 1) * classes.length));
  return task === 'multi-label' ? classes.filter((_, k) => own[k] === 1).join(';') : own.join(';');
}

/** What differs between two lists of images. */
export interface ImageChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly renamed: readonly string[];
  readonly content: readonly string[];
  readonly label: readonly string[];
  readonly split: readonly string[];
}

/** Compares two lists of images by their paths. A file that has another path and the same content is renamed. */
export function imageChanges(before: readonly ImageRow[], now: readonly ImageRow[]): ImageChanges {
  const old = new Map(before.map((row) => [row.path, row]));
  const left = new Set(old.keys());
  const fresh: ImageRow[] = [];
  const content: string[] = [];
  const label: string[] = [];
  const split: string[] = [];
  for (const row of now) {
    const was = old.get(row.path);
    if (was === undefined) {
      fresh.push(row);
      continue;
    }
    left.delete(row.path);
    if (was.content !== row.content) content.push(row.path);
    else if (was.label !== row.label) label.push(`${row.path}: ${was.label} before, ${row.label} now`);
    else if (was.split !== row.split)
      split.push(`${row.path}: ${was.split || 'none'} before, ${row.split || 'none'} now`);
  }
  const gone = groupBy(left, (path) => old.get(path)?.content ?? '');
  const renamed: string[] = [];
  const added: string[] = [];
  for (const row of fresh) {
    const from = gone.get(row.content)?.shift();
    if (from === undefined) added.push(row.path);
    else {
      left.delete(from);
      renamed.push(`${from} is ${row.path} now`);
    }
  }
  return { added, removed: [...left], renamed, content, label, split };
}
