import { invalidInput, type NasError } from '../../../base/errors.js';
import type { TaskType } from '../../../base/task.js';
import { compareNames } from './names.js';

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
  /** A sentence for the report. */
  readonly note?: string | undefined;
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
export const labellings: { readonly [T in TaskType]: (labels: Labels) => Labelling } = {
  classification(labels) {
    const { rows, classes = sorted(rows.map((row) => row.labels[0])) } = labels;
    checkClasses(labels, classes);
    const indices = new Map(classes.map((name, index) => [name, index]));
    const several = classes.find((name) => /[^;|][;|][^;|]/.test(name));
    return {
      outputs: classes,
      note: several && `${several} is read as one class; data.task: multi-label reads it as several labels.`,
      targetOf({ labels: [name] }) {
        const label = indices.get(name);
        return label === undefined ? null : { label };
      },
    };
  },

  'multi-label'(labels) {
    const { path, rows, columns } = labels;
    const namesOf: (row: LabelledRow) => readonly string[] =
      columns.length === 1
        ? (row) => namesIn(row.labels[0])
        : (row) => columns.filter((column, i) => isMarked(row.labels[i], column, row.where));
    const all = columns.length === 1 ? sorted(rows.flatMap(namesOf)) : columns;
    const { classes: outputs = all } = labels;
    checkKnown(path, outputs, new Set(all));
    if (outputs.length === 0) throw refusal(path, 'no image has a label', 'data.label names the column of the labels.');
    checkMany(path, outputs, rows);
    return {
      outputs,
      targetOf(row) {
        const names = new Set(namesOf(row));
        return { label: 0, targets: outputs.map((name) => Number(names.has(name))) };
      },
    };
  },

  regression: ({ columns }) => ({
    outputs: columns,
    targetOf({ labels, where }) {
      if (labels.includes('')) return null;
      const targets = labels.map((cell) => Number(cell.replace(/^([+-]?\d+),(\d+)$/, '$1.$2')));
      const wrong = targets.findIndex((value) => !Number.isFinite(value));
      if (wrong < 0) return { label: 0, targets };
      throw invalidInput(`${where}: ${columns[wrong]} is ${JSON.stringify(labels[wrong])}, which is no number`, {
        hint: 'Leave the cell empty for an image without a value; for names of classes, leave data.task out.',
      });
    },
  }),
};

const refusal = (path: string, message: string, hint: string): NasError =>
  invalidInput(`${path}: ${message}`, { hint });

/** All labels: whole numbers by value, others by name. */
function sorted(labels: readonly string[]): string[] {
  const names = [...new Set(labels)].filter((label) => label !== '');
  const areNumbers = names.every((label) => /^\d+$/.test(label));
  return names.sort(areNumbers ? (a, b) => Number(a) - Number(b) : compareNames);
}

/** The labels in a cell: separated by `;`, `|` or `,`, or as a JSON list. */
function namesIn(cell: string): string[] {
  const parts = /^\[.*\]$/s.test(cell) ? cell.slice(1, -1).split(',') : cell.split(/[;|,]/);
  return parts.map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2')).filter((name) => name !== '');
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

function checkClasses({ path, rows, columns }: Labels, classes: readonly string[]): void {
  if (columns.length > 1)
    throw refusal(
      path,
      `data.label names ${columns.length} columns, but an image has one class`,
      'Name one column, or set data.task: multi-label or regression.',
    );
  checkKnown(path, classes, new Set(rows.map(({ labels }) => labels[0])));
  if (classes.length < 2)
    throw refusal(
      path,
      `the labels are ${classes.length === 0 ? 'empty' : `all ${classes[0]}`}`,
      'A classifier needs at least two classes; data.label names their column.',
    );
  checkMany(path, classes, rows);
}
