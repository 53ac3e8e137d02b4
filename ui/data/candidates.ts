import type {
  CandidateColumns,
  CandidateKey,
  Choice,
  Provenance,
  StoredPrecision,
  TrialState,
} from '../../experiments/page/api.js';

/** A column whose type the cells of a row share. */
type Column<T> = T[];

const keyOf = (number: number, precision: StoredPrecision): string => `${number} ${precision}`;

/**
 * The candidates of a run as columns that grow: what charts draw and tables list. A row keeps its place for ever; a later
 * message about the same number and precision overwrites it.
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

  private readonly rows = new Map<string, number>();

  /** Rows. */
  get length(): number {
    return this.number.length;
  }

  /** The row of a candidate. */
  rowOf({ number, precision }: CandidateKey): number | undefined {
    return this.rows.get(keyOf(number, precision));
  }

  /** Takes rows in. @returns those that were changed or added. */
  merge(part: CandidateColumns): readonly number[] {
    const changed: number[] = [];
    const plain = [
      'number',
      'precision',
      'chosen',
      'state',
      'finalAccuracy',
      'testAccuracy',
      'startedAfter',
      'finishedAfter',
      'rejected',
      'attempts',
      'enqueued',
    ] as const;
    for (const [i, number] of part.number.entries()) {
      const key = keyOf(number, part.precision[i]);
      let row = this.rows.get(key);
      if (row === undefined) this.rows.set(key, (row = this.rows.size));
      changed.push(row);
    }
    for (const name of plain) place(this[name], part[name], changed);
    for (const name of ['values', 'provenance', 'choices'] as const) {
      const own = this[name] as Map<string, Column<unknown>>;
      for (const [key, cells] of Object.entries(part[name])) {
        let column = own.get(key);
        // Rows that came before anything of this name was known have none of it.
        if (column === undefined) own.set(key, (column = new Array<null>(this.rows.size).fill(null)));
        place(column, cells, changed);
      }
      for (const column of own.values()) while (column.length < this.rows.size) column.push(null);
    }
    return changed;
  }
}

function place(column: unknown[], cells: readonly unknown[], rows: readonly number[]): void {
  for (const [i, row] of rows.entries()) column[row] = cells[i];
}
