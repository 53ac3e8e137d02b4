import { invalidInput, type NasError } from '../../../base/errors.js';
import type { RowTask } from '../../../base/task.js';
import { labelLists, listIn } from './label-lists.js';
import { compareNames, plainName } from './names.js';
import { numberColumn } from './numbers.js';

/** The label cells of an image. */
export interface LabelledRow {
  /** For messages: the file and the line. */
  readonly where: string;
  /** One for each label column. */
  readonly labels: readonly string[];
}

/** What a network learns about an image. */
export interface Target {
  /** Index of the class; 0 for other tasks. */
  readonly label: number;
  /** A number for each output; absent for classification. */
  readonly targets?: readonly number[];
}

/** How the label cells of a list become targets. */
export interface Labelling {
  /** Names of the outputs: classes, labels or numbers. */
  readonly outputs: readonly string[];
  /** Null: the image has no label. */
  readonly targetOf: (row: LabelledRow) => Target | null;
  /** Sentences for the report: how the cells were understood. */
  readonly notes: readonly string[];
}

interface Labels {
  /** The list, for messages. */
  readonly path: string;
  /** Names of the label columns. */
  readonly columns: readonly string[];
  readonly rows: readonly LabelledRow[];
  /** The classes or labels that are used, in their order; undefined: all, sorted. */
  readonly classes: readonly string[] | undefined;
}

/** @throws NasError `invalid-input` for cells that are no labels of the task */
export const labellings: { readonly [T in RowTask]: (labels: Labels) => Labelling } = {
  classification(labels) {
    const nameOf = ([cell]: readonly string[]): string => listIn(cell)?.join(';') ?? cell;
    const { rows, classes = sorted(rows.map((row) => nameOf(row.labels))) } = labels;
    checkClasses(labels, new Set(rows.map((row) => nameOf(row.labels))), classes);
    const indices = new Map(classes.map((name, index) => [name, index]));
    return {
      outputs: classes,
      notes: doubtfulNames(classes),
      targetOf(row) {
        const label = indices.get(nameOf(row.labels));
        return label === undefined ? null : { label };
      },
    };
  },

  'multi-label'(labels) {
    const { path, rows, columns } = labels;
    const { namesOf, note } = columns.length === 1 ? listedLabels(columns[0], rows) : markedLabels(columns, rows);
    const all = columns.length === 1 ? sorted(rows.flatMap(namesOf)) : columns;
    const { classes: outputs = all } = labels;
    checkKnown(path, outputs, new Set(all));
    if (outputs.length === 0) throw refusal(path, 'no image has a label', 'data.label names the column of the labels.');
    checkMany(path, outputs, rows);
    return {
      outputs,
      notes: note === undefined ? [] : [note],
      targetOf(row) {
        const names = new Set(namesOf(row));
        return { label: 0, targets: outputs.map((name) => Number(names.has(name))) };
      },
    };
  },

  regression({ columns, rows }) {
    const known = rows.filter(({ labels }) => !labels.includes(''));
    const read = columns.map((name, i) =>
      numberColumn(
        name,
        known.map(({ labels, where }) => ({ text: labels[i], where })),
      ),
    );
    return {
      outputs: columns,
      notes: read.flatMap(({ note }) => note ?? []),
      targetOf: ({ labels }) =>
        labels.includes('') ? null : { label: 0, targets: labels.map((cell, i) => read[i].valueOf(cell)) },
    };
  },
};

/** Classes that may be meant in another way. */
function doubtfulNames(classes: readonly string[]): string[] {
  const several = classes.find((name) => /[^;|][;|][^;|]/.test(name));
  const blank = classes.find((name) => /^(nan|null|none|n\/?a|<na>|#n\/a|undefined)$/i.test(name));
  const byName = new Map<string, string>();
  const alike = classes.flatMap((name) => {
    const other = byName.get(plainName(name));
    byName.set(plainName(name), name);
    return other === undefined ? [] : [`${JSON.stringify(other)} and ${JSON.stringify(name)} are read as two classes.`];
  });
  return [
    ...(several === undefined
      ? []
      : [`${several} is read as one class; data.task: multi-label reads it as several labels.`]),
    ...(blank === undefined ? [] : [`${blank} is read as a class; an image without a label has an empty cell.`]),
    ...alike,
  ];
}

interface RowLabels {
  readonly namesOf: (row: LabelledRow) => readonly string[];
  readonly note: string | undefined;
}

function listedLabels(column: string, rows: readonly LabelledRow[]): RowLabels {
  const cells = rows.map(({ labels: [text], where }) => ({ text, where }));
  const { namesOf, note } = labelLists(column, cells);
  return { namesOf: (row) => namesOf(row.labels[0]), note };
}

/** A column for each label, whose cells say whether an image has it. */
function markedLabels(columns: readonly string[], rows: readonly LabelledRow[]): RowLabels {
  const marked = new Set<string>();
  const unmarked = new Set<string>();
  for (const { labels, where } of rows)
    for (const [i, column] of columns.entries())
      (isMarked(labels[i], column, where) ? marked : unmarked).add(labels[i]);
  const texts = (cells: ReadonlySet<string>): string =>
    [...cells].map((cell) => (cell === '' ? 'an empty cell' : cell)).join(', ') || 'nothing';
  return {
    namesOf: ({ labels, where }) => columns.filter((column, i) => isMarked(labels[i], column, where)),
    note: `${columns.join(', ')}: ${texts(marked)} is read as yes, ${texts(unmarked)} as no.`,
  };
}

const refusal = (path: string, message: string, hint: string): NasError =>
  invalidInput(`${path}: ${message}`, { hint });

/** All labels: whole numbers by value, others by name. */
function sorted(labels: readonly string[]): string[] {
  const names = [...new Set(labels)].filter((label) => label !== '');
  const areNumbers = names.every((label) => /^\d+$/.test(label));
  return names.sort(areNumbers ? (a, b) => Number(a) - Number(b) : compareNames);
}

const marks: Readonly<Record<string, boolean>> = {
  ...{ '1': true, '1.0': true, true: true, yes: true, x: true },
  ...{ '0': false, '0.0': false, '-1': false, '-1.0': false, '': false, false: false, no: false },
};

function isMarked(cell: string, column: string, where: string): boolean {
  const mark = cell.toLowerCase();
  if (Object.hasOwn(marks, mark)) return marks[mark];
  throw invalidInput(`${where}: ${column} is ${JSON.stringify(cell)}; expected 1 or 0`, {
    hint: 'With several label columns, each cell says whether the image has the label; one column may list labels: cat; dog.',
  });
}

function checkKnown(path: string, classes: readonly string[], labels: ReadonlySet<string>): void {
  const absent = classes.find((name) => !labels.has(name));
  if (absent !== undefined)
    throw refusal(path, `no image has the label ${absent}`, 'data.classes lists labels of the table.');
}

function checkMany(path: string, classes: readonly string[], rows: readonly LabelledRow[]): void {
  if (classes.length > 4 && classes.length * 2 > rows.length)
    throw refusal(
      path,
      `${classes.length} labels of ${rows.length} images are no classes (${classes.slice(0, 3).join(', ')}, ...)`,
      'data.label names the column of the classes; data.task: regression learns numbers.',
    );
}

function checkClasses({ path, rows, columns }: Labels, found: ReadonlySet<string>, classes: readonly string[]): void {
  if (columns.length > 1)
    throw refusal(
      path,
      `data.label names ${columns.length} columns, but an image has one class`,
      'Name one column, or set data.task: multi-label or regression.',
    );
  checkKnown(path, classes, found);
  if (classes.length < 2)
    throw refusal(
      path,
      `the labels are ${classes.length === 0 ? 'empty' : `all ${classes[0]}`}`,
      'A classifier needs at least two classes; data.label names their column.',
    );
  checkMany(path, classes, rows);
}
