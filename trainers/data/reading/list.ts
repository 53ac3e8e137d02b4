import { basename } from 'node:path';
import posix from 'node:path/posix';
import { isDeepStrictEqual } from 'node:util';
import { invalidInput } from '../../../base/errors.js';
import type { RowTask } from '../../../base/task.js';
import { counted } from '../../../base/text.js';
import type { DamagedFile, FileTree, SkippedFile } from './files.js';
import { labellings, type LabelledRow } from './labels.js';
import { finder, openTable, type Files } from './list-files.js';
import type { Item, Listing } from './listing.js';
import { kindOf, splitMeaning, splitsNamed, type SplitMeaning } from './names.js';
import { columnOf, hasColumn, isTable, nameOfColumn, readTable, type Table } from './table.js';
import { openTree } from './tree.js';

/** The columns of a list; an absent one is found by its usual names. */
export interface ListColumns {
  readonly image?: string | undefined;
  /** Several: one for each label or number. */
  readonly label?: string | readonly string[] | undefined;
  readonly split?: string | undefined;
  readonly group?: string | undefined;
  /** Default: classification. */
  readonly task?: RowTask | undefined;
  /** The labels that are used, in their order; default: all of them, sorted. */
  readonly classes?: readonly string[] | undefined;
}

const usual = {
  image: [
    'file_name',
    'filename',
    'file',
    'image',
    'image_path',
    'filepath',
    'file_path',
    'path',
    'img',
    'image_id',
    'id',
  ],
  label: ['label', 'class', 'category', 'target', 'choice', 'class_name', 'label_name', 'labels', 'tags'],
  split: ['split', 'subset', 'partition', 'ml_use'],
} as const;

/** Usual names of the column of the paths. */
export const imageColumns: readonly string[] = usual.image;

/** A table, the folder in which its images are, and the split that its folder or name means. */
interface List {
  readonly table: Table;
  readonly folder: string;
  readonly split: SplitMeaning['split'] | null;
}

/** A row of a list; `image` is as written. */
interface Row extends LabelledRow {
  readonly list: List;
  readonly line: number;
  readonly image: string;
  readonly split: SplitMeaning['split'] | null;
  readonly group: string;
}

/**
 * Reads tables of images and labels: one table; or a folder or archive with a table at its top, or with one in each of its
 * split folders, such as `train/metadata.csv`.
 * @throws NasError `invalid-input` for tables without the columns, fewer than two labels, and groups in two splits
 */
export async function readList(path: string, columns: ListColumns): Promise<{ tree: FileTree; listing: Listing }> {
  const opened = await openTable(path);
  if (opened !== null) {
    const list: List = { table: opened.table, folder: '', split: null };
    return { tree: opened.tree, listing: listingOf(path, [list], columns, opened.files) };
  }
  const tree = await openTree(path, 'a table of images and labels');
  const byPath = new Map(tree.files.map((file) => [file.path, file]));
  const files: Files = { at: (name) => byPath.get(name) ?? null, all: () => tree.files };
  return { tree, listing: listingOf(path, await listsIn(tree), columns, files) };
}

/** The tables of a folder or archive. */
async function listsIn(tree: FileTree): Promise<List[]> {
  const tables = tree.files.filter(({ path }) => isTable(path) && !path.endsWith('.json') && kindOf(path) !== 'hidden');
  const named = tables.filter(({ path }) => /^metadata\./i.test(posix.basename(path)));
  const candidates = named.length > 0 ? named : tables;
  const depth = Math.min(...candidates.map(({ path }) => path.split('/').length));
  const chosen = candidates.filter(({ path }) => path.split('/').length === depth);
  const splitOf = (path: string): List['split'] =>
    (splitMeaning(posix.parse(path).name) ?? splitMeaning(posix.basename(posix.dirname(path))))?.split ?? null;
  if (chosen.length === 0)
    throw invalidInput(`${tree.path} has no table`, {
      hint: 'data.path names a CSV, TSV or JSON Lines file of images and labels, or a folder or archive with such a file.',
    });
  if (chosen.length > 1 && chosen.some(({ path }) => splitOf(path) === null))
    throw invalidInput(`${tree.path} has several tables: ${chosen.map(({ path }) => path).join(', ')}`, {
      hint: 'Name one of them in data.path.',
    });
  const lists: List[] = [];
  for await (const { index, load } of tree.read(chosen)) {
    const { path } = chosen[index];
    const table = readTable(`${tree.path}/${path}`, await load());
    const folder = posix.dirname(path);
    lists.push({ table, folder: folder === '.' ? '' : folder, split: chosen.length > 1 ? splitOf(path) : null });
  }
  return lists;
}

function rowsOf(list: List, columns: ListColumns, notes: string[]): Row[] {
  const { table } = list;
  const image = columnOf(table, 'image', columns.image, usual.image);
  const labels = labelColumns(columns).map((name) => columnOf(table, 'label', name, usual.label));
  const isSplit = columns.split !== undefined || (list.split === null && hasColumn(table, usual.split));
  const split = isSplit ? columnOf(table, 'split', columns.split, usual.split) : null;
  const group = columns.group === undefined ? null : columnOf(table, 'group', columns.group, []);
  const found = {
    image: [image],
    label: labels,
    split: split === null ? [] : [split],
    group: group === null ? [] : [group],
  };
  const named = Object.entries(found).flatMap(([key, at]) =>
    at.length === 0 ? [] : [`${key}: ${at.map((column) => table.columns[column]).join(' + ')}`],
  );
  notes.push(`${table.file}: ${counted(table.rows.length, 'row')}, ${table.format}; ${named.join(', ')}.`);
  for (const { cells, line } of table.rows) {
    const odd = labels.find((column) => /^\{.*\}$/s.test(cells[column]));
    if (odd !== undefined)
      throw invalidInput(`${table.file}, line ${line}: ${table.columns[odd]} is ${cells[odd].slice(0, 80)}`, {
        hint: 'Expected a text, a number, or a list of these.',
      });
  }
  return table.rows.map(({ cells, line }) => ({
    list,
    line,
    image: cells[image],
    where: `${table.file}, line ${line}`,
    labels: labels.map((column) => cells[column]),
    split: split === null ? list.split : splitCell(table, cells[split], line),
    group: group === null ? '' : cells[group],
  }));
}

/** The names of the label columns; undefined: a usual one. */
const labelColumns = ({ label }: ListColumns): readonly (string | undefined)[] =>
  typeof label === 'object' ? label : [label];

/** The split in a cell; null: none. */
export function splitCell({ file }: Table, cell: string, line: number): Row['split'] {
  if (cell === '' || /^(unassigned|none|-)$/i.test(cell)) return null;
  const meaning = splitMeaning(cell);
  if (meaning !== null && meaning.rest === '') return meaning.split;
  throw invalidInput(`${file}, line ${line}: the split is ${JSON.stringify(cell)}; expected train, val or test`, {
    hint: 'Leave the cell empty for images that are split by the shares.',
  });
}

function listingOf(path: string, lists: readonly List[], columns: ListColumns, files: Files): Listing {
  const notes: string[] = [];
  const labelled = lists.filter(({ table }) =>
    labelColumns(columns).every((name) => hasColumn(table, name === undefined ? usual.label : [name])),
  );
  const used = labelled.length > 0 ? labelled : lists;
  for (const { table } of lists)
    if (labelled.length > 0 && !labelled.some((list) => list.table === table))
      notes.push(`Ignored: ${table.file} has no labels.`);
  const rows = used.flatMap((list) => rowsOf(list, columns, notes));
  const skipped: SkippedFile[] = [];
  const damaged: DamagedFile[] = [];
  const { task = 'classification' } = columns;
  const [first] = used;
  const {
    outputs,
    targetOf,
    notes: understood,
  } = labellings[task]({
    path,
    rows,
    classes: columns.classes,
    columns: labelColumns(columns).map((name) => name ?? nameOfColumn(first.table, usual.label)),
  });
  notes.push(...understood);
  const splitOf = splitsNamed(new Set(rows.flatMap(({ split }) => split ?? [])));
  const groups = new Map<string, number>();
  const find = finder(files);
  const seen = new Map<string, { readonly row: Row; readonly item: Item }>();
  const conflicts = new Set<string>();
  for (const row of rows) {
    const target = targetOf(row);
    if (target === null || row.image === '') {
      skipped.push({ path: row.image, cause: 'unlabelled' });
      continue;
    }
    const file = find(row.image, row.list.folder);
    if (file === null) {
      damaged.push({
        path: row.image,
        cause: 'missing',
        message: `line ${row.line} of ${basename(row.list.table.file)} names it`,
      });
      continue;
    }
    const before = seen.get(file.path);
    if (before !== undefined) {
      if (isDeepStrictEqual(targetOf(before.row), target)) skipped.push({ path: file.path, cause: 'repeated' });
      else if (!conflicts.has(file.path)) {
        conflicts.add(file.path);
        const texts = [before.row, row].map(({ labels, line }) => `${labels.join(', ')} in line ${line}`);
        damaged.push({ path: file.path, cause: 'label', message: texts.join(', ') });
      }
      continue;
    }
    if (row.group !== '' && !groups.has(row.group)) groups.set(row.group, groups.size);
    const group = groups.get(row.group);
    const split = row.split === null ? null : splitOf(row.split);
    seen.set(file.path, { row, item: { file, ...target, split, ...(group !== undefined && { group }) } });
  }
  const kept = [...seen.values()].filter(({ item }) => !conflicts.has(item.file.path));
  refuseSplitGroups(kept);
  if (
    kept.some(({ item }) => item.split !== null) &&
    !kept.some(({ item }) => item.split === 'train' || item.split === null)
  )
    throw invalidInput(`${path} has no training images`, {
      hint: 'The split column needs rows with train, or empty cells.',
    });
  return { task, classes: outputs, items: kept.map(({ item }) => item), skipped, damaged, notes };
}

function refuseSplitGroups(kept: readonly { readonly row: Row; readonly item: Item }[]): void {
  const first = new Map<string, { readonly row: Row; readonly item: Item }>();
  for (const one of kept) {
    const { group } = one.row;
    const other = group === '' ? undefined : first.get(group);
    if (other === undefined) first.set(group, one);
    else if (other.item.split !== one.item.split)
      throw invalidInput(
        `${one.row.list.table.file}: the group ${group} is in the split ${other.item.split ?? '(none)'} (line ${other.row.line}) and in ${one.item.split ?? '(none)'} (line ${one.row.line})`,
        { hint: 'A group stays in one split: change these rows, or leave data.split or data.group out.' },
      );
  }
}
