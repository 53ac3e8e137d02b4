import type {
  CandidateColumns,
  CandidateKey,
  Certainty,
  Choice,
  Provenance,
  StoredPrecision,
  TrialState,
} from '../../reports/page/api.js';
import { precisions } from './measures.js';

/** Columns with one cell for each row. */
const plain = [
  'chosen',
  'state',
  'finalAccuracy',
  'finalError',
  'testAccuracy',
  'testError',
  'foldAccuracy',
  'foldError',
  'startedAfter',
  'finishedAfter',
  'rejected',
  'attempts',
  'enqueued',
] as const;

const named = ['values', 'provenance', 'certainty', 'choices'] as const;

/**
 * The candidates of a run as growing columns, for charts and tables. A row keeps its index; a later part about the same
 * trial and precision overwrites it. A row that a later part about its trial lacks becomes empty: not chosen, without values.
 */
export class Candidates {
  readonly number: number[] = [];
  readonly precision: StoredPrecision[] = [];
  readonly chosen: boolean[] = [];
  readonly state: TrialState[] = [];
  readonly values = new Map<string, (number | null)[]>();
  readonly provenance = new Map<string, (Provenance | null)[]>();
  readonly certainty = new Map<string, (Certainty | null)[]>();
  readonly choices = new Map<string, (Choice | null)[]>();
  readonly finalAccuracy: (number | null)[] = [];
  readonly finalError: (number | null)[] = [];
  readonly testAccuracy: (number | null)[] = [];
  readonly testError: (number | null)[] = [];
  readonly foldAccuracy: (number | null)[] = [];
  readonly foldError: (number | null)[] = [];
  readonly startedAfter: (number | null)[] = [];
  readonly finishedAfter: (number | null)[] = [];
  readonly rejected: number[] = [];
  readonly attempts: number[] = [];
  readonly enqueued: (string | null)[] = [];

  private readonly rows = new Map<StoredPrecision, Map<number, number>>();

  get length(): number {
    return this.number.length;
  }

  rowOf({ number, precision }: CandidateKey): number | undefined {
    return this.rows.get(precision)?.get(number);
  }

  /** How sure the values of a row are, by name. */
  certaintyOf(row: number): Record<string, Certainty> {
    return cellsOf(this.certainty, row);
  }

  hasEnded(number: number): boolean {
    const row = precisions.map((precision) => this.rowOf({ number, precision })).find((each) => each !== undefined);
    return row !== undefined && this.state[row] !== 'waiting' && this.state[row] !== 'running';
  }

  /** Adds and overwrites rows. @returns the indices of the changed rows. */
  merge(part: CandidateColumns): readonly number[] {
    const rows = part.number.map((number, i) => this.addRow(number, part.precision[i]));
    for (const name of plain) put(this[name], part[name], rows);
    for (const name of named) {
      const own = this[name] as Map<string, unknown[]>;
      const columns: Readonly<Record<string, readonly unknown[]>> = part[name];
      for (const key of Object.keys(columns)) if (!own.has(key)) own.set(key, []);
      for (const [key, column] of own) {
        // Rows before the first value of a name have none.
        while (column.length < this.length) column.push(null);
        put(column, Object.hasOwn(columns, key) ? columns[key] : [], rows);
      }
    }
    return [...rows, ...this.clearOthers(part.number, new Set(rows))];
  }

  private addRow(number: number, precision: StoredPrecision): number {
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

  /** Empties the rows of these trials that are not in `present`. @returns their indices. */
  private clearOthers(numbers: readonly number[], present: ReadonlySet<number>): readonly number[] {
    // With one precision, there are no others.
    if (this.rows.size < 2) return [];
    const others = [...new Set(numbers)].flatMap((number) =>
      [...this.rows.values()].flatMap((ofPrecision) => {
        const row = ofPrecision.get(number);
        return row === undefined || present.has(row) ? [] : [row];
      }),
    );
    for (const row of others) {
      this.chosen[row] = false;
      this.finalAccuracy[row] = this.finalError[row] = this.testAccuracy[row] = this.testError[row] = null;
      this.foldAccuracy[row] = this.foldError[row] = null;
      for (const name of named) for (const column of this[name].values()) column[row] = null;
    }
    return others;
  }
}

function put(column: unknown[], cells: readonly unknown[], rows: readonly number[]): void {
  for (let i = 0; i < rows.length; i++) column[rows[i]] = i < cells.length ? cells[i] : null;
}

/** The known cells of a row, by the names of their columns. */
export const cellsOf = <T>(columns: ReadonlyMap<string, readonly (T | null)[]>, row: number): Record<string, T> =>
  Object.fromEntries(
    [...columns].flatMap(([name, column]) => {
      const cell = column[row] as T | null | undefined;
      return cell === null || cell === undefined ? [] : [[name, cell] as const];
    }),
  );
