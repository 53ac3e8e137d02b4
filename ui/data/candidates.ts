import type {
  CandidateColumns,
  CandidateKey,
  Choice,
  Provenance,
  StoredPrecision,
  TrialState,
} from '../../experiments/page/api.js';
import { precisions } from './measures.js';

/** A column whose type the cells of a row share. */
type Column<T> = T[];

const named = ['values', 'provenance', 'choices'] as const;

/**
 * The candidates of a run as columns that grow: what charts draw and tables list. A row keeps its place for ever; a later
 * message about the same number and precision overwrites it. A row of a trial that a later message about this trial no
 * longer has is emptied: it is not chosen, and has no values.
 */
export class Candidates {
  readonly number: Column<number> = [];
  readonly precision: Column<StoredPrecision> = [];
  readonly chosen: Column<boolean> = [];
  readonly state: Column<TrialState> = [];
  readonly values = new Map<string, Column<number | null>>();
  readonly provenance = new Map<string, Column<Provenance | null>>();
  readonly choices = new Map<string, Column<Choice | null>>();
  readonly finalAccuracy: Column<number | null> = [];
  readonly testAccuracy: Column<number | null> = [];
  readonly startedAfter: Column<number | null> = [];
  readonly finishedAfter: Column<number | null> = [];
  readonly rejected: Column<number> = [];
  readonly attempts: Column<number> = [];
  readonly enqueued: Column<string | null> = [];

  /** Rows by precision and number. */
  private readonly rows = new Map<StoredPrecision, Map<number, number>>();

  /** Rows. */
  get length(): number {
    return this.number.length;
  }

  /** The row of a candidate. */
  rowOf({ number, precision }: CandidateKey): number | undefined {
    return this.rows.get(precision)?.get(number);
  }

  /** Whether a trial has ended, in whichever precision it is known. */
  hasEnded(number: number): boolean {
    const row = precisions.map((precision) => this.rowOf({ number, precision })).find((each) => each !== undefined);
    return row !== undefined && this.state[row] !== 'waiting' && this.state[row] !== 'running';
  }

  /** Takes rows in. @returns those that were changed or added. */
  merge(part: CandidateColumns): readonly number[] {
    const places = part.number.map((number, i) => this.place(number, part.precision[i]));
    const plain = [
      'chosen',
      'state',
      'finalAccuracy',
      'testAccuracy',
      'startedAfter',
      'finishedAfter',
      'rejected',
    ] as const;
    for (const name of [...plain, 'attempts', 'enqueued'] as const) put(this[name], part[name], places);
    for (const name of named) {
      const own = this[name] as Map<string, Column<unknown>>;
      for (const key of Object.keys(part[name])) if (!own.has(key)) own.set(key, []);
      for (const [key, column] of own) {
        // Rows that came before anything of this name was known have none of it.
        while (column.length < this.length) column.push(null);
        put(column, Object.hasOwn(part[name], key) ? part[name][key] : [], places);
      }
    }
    return [...places, ...this.emptyOthers(part)];
  }

  private place(number: number, precision: StoredPrecision): number {
    let ofPrecision = this.rows.get(precision);
    if (ofPrecision === undefined) this.rows.set(precision, (ofPrecision = new Map<number, number>()));
    let row = ofPrecision.get(number);
    if (row === undefined) {
      row = this.length;
      ofPrecision.set(number, row);
      this.number.push(number);
      this.precision.push(precision);
    }
    return row;
  }

  /** Empties the rows of the part's trials that the part does not have. @returns them. */
  private emptyOthers(part: CandidateColumns): readonly number[] {
    // Runs that know one precision only have none.
    if (this.rows.size < 2) return [];
    const there = new Set(part.number.map((number, i) => this.place(number, part.precision[i])));
    const others = [...new Set(part.number)].flatMap((number) =>
      [...this.rows.values()].flatMap((ofPrecision) => {
        const row = ofPrecision.get(number);
        return row === undefined || there.has(row) ? [] : [row];
      }),
    );
    for (const row of others) {
      this.chosen[row] = false;
      this.finalAccuracy[row] = this.testAccuracy[row] = null;
      for (const name of named) for (const column of this[name].values()) column[row] = null;
    }
    return others;
  }
}

/** Writes cells into rows; rows beyond the cells get null. */
function put(column: unknown[], cells: readonly unknown[], rows: readonly number[]): void {
  for (let i = 0; i < rows.length; i++) column[rows[i]] = i < cells.length ? cells[i] : null;
}
