import { estimateText } from '../../base/certainty.js';
import { duration } from '../../base/number-text.js';
import { mainScores, meanScoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { Certainty, MeasureText, Note, Objective, TrialText } from '../../reports/page/api.js';
import { precisions, textWithError, titleOf } from './measures.js';
import type { Candidates } from './candidates.js';

/** A cell of a table; null is unknown. */
export type Cell = string | number | boolean | null;

export type FieldGroup = 'trial' | 'objective' | 'measure' | 'decision' | 'final' | 'course' | 'text';

/** A named property of candidates, for tables, filters and downloads. */
export interface Field {
  /** In filters, addresses and files: `latency_ms`. */
  readonly name: string;
  /** In tables: `latency`. */
  readonly title: string;
  readonly group: FieldGroup;
  /** A `choice` of a decision may be a number, a text or a boolean. The cell of `words` is words with spaces between. */
  readonly kind: 'number' | 'text' | 'flag' | 'choice' | 'words';
  /** All possible values, where they are fixed. */
  readonly values?: readonly string[];
  readonly cell: (row: number) => Cell;
  /** The formatted cell. */
  readonly text: (row: number) => string;
}

export interface Known {
  readonly task: TaskType;
  readonly candidates: Candidates;
  readonly objectives: readonly Objective[];
  readonly measures: Readonly<Record<string, MeasureText>>;
  /** In the order of the space. */
  readonly decisions: readonly string[];
  readonly severalPrecisions: boolean;
  readonly onFrontier: (row: number) => boolean;
  /** Notes and tags of the trials, by number. */
  readonly notes: ReadonlyMap<number | null, Note>;
  /** The texts of a trial; undefined until they are loaded. */
  readonly textOf: (number: number) => TrialText | undefined;
}

const states = ['waiting', 'running', 'complete', 'pruned', 'failed'] as const;
const origins = ['measured', 'predicted', 'imported', 'computed'] as const;

const plainText = (cell: Cell): string =>
  cell === null ? '-' : typeof cell === 'boolean' ? (cell ? 'yes' : 'no') : String(cell);

/** A difference of times, rounded to 6 digits to remove floating-point noise. */
const difference = (to: number | null, from: number | null): number | null =>
  to === null || from === null ? null : Math.round(1e6 * (to - from)) / 1e6;

/** A field; by default, its text is its plain cell. */
const field = (
  group: FieldGroup,
  kind: Field['kind'],
  name: string,
  title: string,
  cell: Field['cell'],
  rest: Partial<Pick<Field, 'values' | 'text'>> = {},
): Field => ({ name, title, group, kind, cell, text: (row) => plainText(cell(row)), ...rest });

/** A time in seconds. */
function timed(name: string, title: string, cell: (row: number) => number | null): Field {
  const write = (seconds: number | null): string => (seconds === null ? '-' : duration(seconds));
  return field('course', 'number', name, title, cell, { text: (row) => write(cell(row)) });
}

function valueFields({ candidates, objectives, measures }: Known): Field[] {
  const names = new Set([...objectives.map(({ name }) => name), ...candidates.values.keys()]);
  return [...names].map((name): Field => {
    const group = objectives.some((objective) => objective.name === name) ? 'objective' : 'measure';
    const cell = (row: number): number | null => candidates.values.get(name)?.[row] ?? null;
    return field(group, 'number', name, titleOf(measures, name), cell, {
      text: (row) => textWithError(measures, name, cell(row), candidates.certainty.get(name)?.[row]),
    });
  });
}

/** A cross-validated score with its standard error; `-` for none. */
export const foldText = (task: TaskType, mean: number | null, error: number | null): string =>
  mean === null || error === null ? '-' : meanScoreText(task, mean, error);

function finalFields({ task, candidates }: Known): Field[] {
  const { title } = mainScores[task];
  const { finalAccuracy, finalError, testAccuracy, testError, foldAccuracy, foldError } = candidates;
  const score = (name: string, head: string, of: readonly (number | null)[], errors: readonly (number | null)[]) =>
    field('final', 'number', name, `${head} ${title}`, (row) => of[row], {
      text: (row) => estimateText(mainScores[task].unit, of[row], errors[row]),
    });
  return [
    score('final_accuracy', 'final', finalAccuracy, finalError),
    ...(foldAccuracy.some((value) => value !== null)
      ? [
          field('final', 'number', 'fold_accuracy', `cross-validated ${title}`, (row) => foldAccuracy[row], {
            text: (row) => foldText(task, foldAccuracy[row], foldError[row]),
          }),
        ]
      : []),
    score('test_accuracy', 'test', testAccuracy, testError),
  ];
}

function courseFields({ candidates: { startedAfter, finishedAfter, attempts, rejected } }: Known): Field[] {
  return [
    timed('started_after', 'started after', (row) => startedAfter[row]),
    timed('took', 'took', (row) => difference(finishedAfter[row], startedAfter[row])),
    field('course', 'number', 'attempts', 'attempts', (row) => attempts[row]),
    field('course', 'number', 'rejected', 'rejected before it', (row) => rejected[row]),
  ];
}

function provenanceFields({ candidates, measures }: Known): Field[] {
  const origin = [...candidates.provenance].map(([name, column]) =>
    field('measure', 'text', `${name}.from`, `${titleOf(measures, name)} from`, (row) => column[row], {
      values: origins,
    }),
  );
  const flags = [...candidates.certainty]
    .filter(([, column]) => column.some((each) => each?.unreliable !== undefined))
    .map(([name, column]) =>
      field('measure', 'flag', `${name}.unreliable`, `${titleOf(measures, name)} unreliable`, (row) => {
        const certainty = column[row] as Certainty | null | undefined;
        return certainty === null || certainty === undefined ? null : certainty.unreliable !== undefined;
      }),
    );
  return [...origin, ...flags];
}

function textFields({ candidates: { number }, textOf: textsOf }: Known): Field[] {
  const text = (name: 'reason' | 'message', title: string): Field =>
    field('text', 'text', name, title, (row) => textsOf(number[row])?.[name] ?? null, {
      text: (row) => {
        const known = textsOf(number[row]);
        return known === undefined ? '…' : (known[name] ?? '-');
      },
    });
  return [text('reason', 'why it was tried'), text('message', 'why it ended')];
}

function noteFields({ candidates: { number }, notes }: Known): Field[] {
  if (notes.size === 0) return [];
  const noted = (row: number): Note | undefined => notes.get(number[row]);
  return [
    field('trial', 'words', 'tag', 'tags', (row) => noted(row)?.tags.join(' ') || null),
    field('text', 'text', 'note', 'note', (row) => noted(row)?.text || null),
  ];
}

/** All fields of a run, in the order of tables. A decision whose name is in use becomes `decision.NAME`. */
export function fieldsOf(known: Known): readonly Field[] {
  const { candidates, decisions, severalPrecisions, onFrontier } = known;
  const { number, state, precision, enqueued, choices } = candidates;
  const fields: Field[] = [
    field('trial', 'number', 'number', 'trial', (row) => number[row]),
    field('trial', 'text', 'state', 'state', (row) => state[row], { values: states }),
    ...valueFields(known),
    ...(severalPrecisions
      ? [field('trial', 'text', 'precision', 'precision', (row) => precision[row], { values: precisions })]
      : []),
    ...finalFields(known),
    field('trial', 'flag', 'frontier', 'on the frontier', onFrontier),
    ...courseFields(known),
    field('trial', 'text', 'enqueued', 'enqueued as', (row) => enqueued[row]),
    ...noteFields(known),
    ...textFields(known),
    ...provenanceFields(known),
  ];
  const used = new Set(fields.map(({ name }) => name));
  const decided = decisions.map((name) =>
    field(
      'decision',
      'choice',
      used.has(name) ? `decision.${name}` : name,
      name,
      (row) => choices.get(name)?.[row] ?? null,
    ),
  );
  return [...fields, ...decided];
}

const order = new Intl.Collator('en', { numeric: true });

/** Sorts numbers before texts, `b9` before `b10`, and false before true. */
export function compareCells(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'number') return -1;
  if (typeof b === 'number') return 1;
  return order.compare(String(a), String(b));
}

/** The distinct values of a field in the rows, sorted; none when there are more than `most`. */
export function valuesOf({ kind, values, cell }: Field, rows: readonly number[], most = 24): readonly Cell[] {
  if (values !== undefined) return values;
  if (kind === 'flag') return [true, false];
  if (kind === 'number') return [];
  const found = new Set<Cell>();
  for (const row of rows) {
    const each = cell(row);
    if (kind === 'words' && each !== null) for (const word of String(each).split(' ')) found.add(word);
    else if (each !== null) found.add(each);
    if (found.size > most) return [];
  }
  return [...found].sort(compareCells);
}
