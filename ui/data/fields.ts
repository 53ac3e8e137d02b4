import { duration } from '../../base/number-text.js';
import type { MeasureText, Objective, TrialText } from '../../experiments/page/api.js';
import { precisions, textOf, titleOf } from './measures.js';
import type { Candidates } from './candidates.js';

/** What a table has in a row and a column; null is not known. */
export type Cell = string | number | boolean | null;

/** What kind of column it is, for those who list, order or describe columns. */
export type FieldGroup = 'trial' | 'objective' | 'measure' | 'decision' | 'final' | 'course' | 'text';

/** Something that is known of each candidate, by name: tables list it, filters ask for it, downloads hold it. */
export interface Field {
  /** As filters, addresses and files write it: `latency_ms`. */
  readonly name: string;
  /** As people read it: `latency`. */
  readonly title: string;
  readonly group: FieldGroup;
  /** `choice`: a decision's, a number, a text or yes and no. */
  readonly kind: 'number' | 'text' | 'flag' | 'choice';
  /** All that it can be, where that is known beforehand. */
  readonly values?: readonly string[];
  readonly cell: (row: number) => Cell;
  /** The cell as tables show it. */
  readonly text: (row: number) => string;
}

/** What fields are made of. */
export interface Known {
  readonly candidates: Candidates;
  readonly objectives: readonly Objective[];
  readonly measures: Readonly<Record<string, MeasureText>>;
  /** In the space's order. */
  readonly decisions: readonly string[];
  /** Whether trials are judged in several precisions. */
  readonly severalPrecisions: boolean;
  /** Whether a row is on the frontier. */
  readonly onFrontier: (row: number) => boolean;
  /** A trial's texts as far as they are here. */
  readonly textOf: (number: number) => TrialText | undefined;
}

const states = ['waiting', 'running', 'complete', 'pruned', 'failed'] as const;
const origins = ['measured', 'predicted', 'imported', 'computed'] as const;

const plainText = (cell: Cell): string =>
  cell === null ? '-' : typeof cell === 'boolean' ? (cell ? 'yes' : 'no') : String(cell);

/** What lies between two times, without what subtracting adds behind the sixth digit. */
const difference = (to: number | null, from: number | null): number | null =>
  to === null || from === null ? null : Math.round(1e6 * (to - from)) / 1e6;

/** A field whose text is the plain one of its cells, unless something else is said. */
const field = (
  group: FieldGroup,
  kind: Field['kind'],
  name: string,
  title: string,
  cell: Field['cell'],
  rest: Partial<Pick<Field, 'values' | 'text'>> = {},
): Field => ({ name, title, group, kind, cell, text: (row) => plainText(cell(row)), ...rest });

/** A number that is written with its unit. */
const measured = (
  group: FieldGroup,
  name: string,
  title: string,
  cell: (row: number) => number | null,
  write: (value: number) => string,
): Field =>
  field(group, 'number', name, title, cell, {
    text: (row) => {
      const value = cell(row);
      return value === null ? '-' : write(value);
    },
  });

function valueFields({ candidates, objectives, measures }: Known): Field[] {
  const names = new Set([...objectives.map(({ name }) => name), ...candidates.values.keys()]);
  return [...names].map((name): Field => {
    const group = objectives.some((objective) => objective.name === name) ? 'objective' : 'measure';
    return measured(
      group,
      name,
      titleOf(measures, name),
      (row) => candidates.values.get(name)?.[row] ?? null,
      (value) => textOf(measures, name, value),
    );
  });
}

function finalFields({ candidates }: Known): Field[] {
  const share = (value: number): string => textOf({ share: { title: '', unit: 'share' } }, 'share', value);
  const { finalAccuracy, testAccuracy } = candidates;
  return [
    measured('final', 'final_accuracy', 'final accuracy', (row) => finalAccuracy[row], share),
    measured('final', 'test_accuracy', 'test accuracy', (row) => testAccuracy[row], share),
  ];
}

function courseFields({ candidates: { startedAfter, finishedAfter, attempts, rejected } }: Known): Field[] {
  return [
    measured('course', 'started_after', 'started after', (row) => startedAfter[row], duration),
    measured('course', 'took', 'took', (row) => difference(finishedAfter[row], startedAfter[row]), duration),
    field('course', 'number', 'attempts', 'attempts', (row) => attempts[row]),
    field('course', 'number', 'rejected', 'rejected before it', (row) => rejected[row]),
  ];
}

/** Which values were measured, and which were predicted or given otherwise. */
const provenanceFields = ({ candidates, measures }: Known): Field[] =>
  [...candidates.provenance].map(([name, column]) =>
    field('measure', 'text', `${name}.from`, `${titleOf(measures, name)} from`, (row) => column[row], {
      values: origins,
    }),
  );

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

/**
 * What is known of the candidates of a run, by name, in the order in which tables list it. A decision whose name is taken
 * is called `decision.NAME`.
 */
export function fieldsOf(known: Known): readonly Field[] {
  const { candidates, decisions, severalPrecisions, onFrontier } = known;
  const { number, state, precision, enqueued, choices } = candidates;
  const fields: Field[] = [
    field('trial', 'number', 'number', 'trial', (row) => number[row]),
    field('trial', 'text', 'state', 'state', (row) => state[row], { values: states }),
    ...(severalPrecisions
      ? [field('trial', 'text', 'precision', 'precision', (row) => precision[row], { values: precisions })]
      : []),
    field('trial', 'flag', 'frontier', 'on the frontier', onFrontier),
    ...valueFields(known),
    ...finalFields(known),
    ...courseFields(known),
    field('trial', 'text', 'enqueued', 'given as', (row) => enqueued[row]),
    ...textFields(known),
    ...provenanceFields(known),
  ];
  const taken = new Set(fields.map(({ name }) => name));
  const decided = decisions.map((name) =>
    field(
      'decision',
      'choice',
      taken.has(name) ? `decision.${name}` : name,
      name,
      (row) => choices.get(name)?.[row] ?? null,
    ),
  );
  return [...fields, ...decided];
}

const order = new Intl.Collator('en', { numeric: true });

/** Numbers before texts, texts as people count them, no before yes. */
export function compareCells(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'number') return -1;
  if (typeof b === 'number') return 1;
  return order.compare(String(a), String(b));
}

/** What a field is in the rows, when it is of few kinds; nothing when it is of many. */
export function valuesOf({ kind, values, cell }: Field, rows: readonly number[], most = 24): readonly Cell[] {
  if (values !== undefined) return values;
  if (kind === 'flag') return [true, false];
  if (kind === 'number') return [];
  const found = new Set<Cell>();
  for (const row of rows) {
    const each = cell(row);
    if (each !== null) found.add(each);
    if (found.size > most) return [];
  }
  return [...found].sort(compareCells);
}
