import { basename } from 'node:path';
import { z } from 'zod';
import { badCells, columnIndex, type Csv, parseNumber, readCsv } from './csv.js';
import { invalidInput } from '../../base/errors.js';
import { genotypeId, type Choice, type Decision, type Genotype } from '../genotype.js';
import type { DecisionSpace } from '../space.js';
import { tableSpace } from './table-space.js';

/** `space: {type: table}`: networks whose results are known, instead of networks that are trained. */
export const tableSchema = z
  .strictObject({
    type: z.literal('table'),
    file: z
      .string()
      .min(1)
      .describe('CSV file with a row for each network; its first line names the columns; .tsv: tabs between them'),
    decisions: z
      .array(z.string().min(1))
      .min(1, 'needs at least one column')
      .refine((names) => new Set(names).size === names.length, 'lists a column twice')
      .describe('columns that say what a network is; they must tell all rows apart'),
    seconds: z
      .string()
      .min(1)
      .optional()
      .describe('column with the seconds that an evaluation takes, for the simulated clock; by default each takes 1 s'),
  })
  .describe('a table of real results: candidates are looked up instead of trained, in simulated time');
export type TableConfig = z.output<typeof tableSchema>;

/**
 * Loads the table of a configuration; its space is named after the file.
 * @throws NasError `invalid-input`, with lines, when the file cannot be read or used
 */
export const loadTable = ({ file, decisions }: TableConfig): ResultsTable =>
  ResultsTable.of(basename(file), readCsv(file), decisions);

/** A table of known results: one row for each network, with its decisions and its measurements. */
export class ResultsTable {
  private constructor(
    private readonly csv: Csv,
    /** The decisions of the rows; with `members` when not every combination of choices has a row. */
    readonly space: DecisionSpace,
    private readonly rows: ReadonlyMap<string, number>,
  ) {}

  /**
   * @param decisions names of the columns that together identify a network
   * @throws NasError `invalid-input` with lines for rows with the same decisions, and as `decisionOf`
   */
  static of(name: string, csv: Csv, decisions: readonly string[]): ResultsTable {
    const columns = decisions.map((decision) => decisionOf(csv, decision));
    const genotypes = csv.rows.map((_, row) => columns.map(({ indices }) => indices[row]));
    const rows = distinct(csv, genotypes);
    const space = tableSpace(
      name,
      columns.map(({ decision }) => decision),
      genotypes,
    );
    return new ResultsTable(csv, space, rows);
  }

  get file(): string {
    return this.csv.file;
  }

  get size(): number {
    return this.csv.rows.length;
  }

  /** The row of a genotype, from 0. @throws Error when there is none; operators of the space return existing rows only */
  rowOf(genotype: Genotype): number {
    const row = this.rows.get(genotypeId(genotype));
    if (row === undefined) throw new Error(`${this.file} has no row for the genotype ${genotypeId(genotype)}`);
    return row;
  }

  /** The line of the file that holds a row, from 1. */
  lineOf(row: number): number {
    return this.csv.lines[row];
  }

  /**
   * The numbers of a column by row; NaN (also for an infinity) where an evaluation failed.
   * @throws NasError `invalid-input` when there is no such column, or with the lines of cells that are not numbers
   */
  numbers(column: string): Float64Array {
    const at = columnIndex(this.csv, column);
    const values = this.csv.rows.map((row) => parseNumber(row[at]));
    const bad = [...values.keys()].filter((row) => values[row] === undefined);
    if (bad.length > 0) throw badCells(this.csv, at, bad, 'a number (NaN where an evaluation failed)');
    return Float64Array.from(values, (value) => value ?? NaN);
  }
}

const natural = new Intl.Collator('en', { numeric: true });

function order(a: Choice, b: Choice): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return natural.compare(String(a), String(b)) || (String(a) < String(b) ? -1 : 1);
}

/**
 * A column as a decision, with the choice of each row. Choices are numbers, ascending, when all cells are numbers;
 * otherwise text in natural order (`k3` before `k11`).
 * @throws NasError `invalid-input` when there is no such column, or with the lines of empty cells
 */
function decisionOf(csv: Csv, name: string): { readonly decision: Decision; readonly indices: number[] } {
  const at = columnIndex(csv, name);
  const cells = csv.rows.map((row) => row[at]);
  const empty = [...cells.keys()].filter((row) => cells[row] === '');
  if (empty.length > 0) throw badCells(csv, at, empty, 'the choice of every network');
  const numbers = cells.map(Number);
  const values: readonly Choice[] = numbers.every((value) => Number.isFinite(value)) ? numbers : cells;
  const choices = [...new Set(values)].sort(order);
  const places = new Map(choices.map((choice, i) => [choice, i]));
  // Every value is one of the choices.
  return { decision: { name, choices }, indices: values.map((value) => places.get(value) as number) };
}

/** A message lists at most this many pairs of equal rows. */
const named = 3;

/** The rows by genotype id. @throws NasError `invalid-input` when two rows describe the same network */
function distinct({ file, lines }: Csv, genotypes: readonly Genotype[]): Map<string, number> {
  const rows = new Map<string, number>();
  const twice: string[] = [];
  for (const [row, genotype] of genotypes.entries()) {
    const id = genotypeId(genotype);
    const first = rows.get(id);
    if (first === undefined) rows.set(id, row);
    else twice.push(`lines ${lines[first]} and ${lines[row]}`);
  }
  if (twice.length === 0) return rows;
  const more = twice.length > named ? ` and ${twice.length - named} more` : '';
  throw invalidInput(`${file}: ${twice.slice(0, named).join(', ')}${more} have the same decisions`, {
    hint: 'Name every column that tells the rows apart in decisions, or keep one row of each network.',
  });
}
