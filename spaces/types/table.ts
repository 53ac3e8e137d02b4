import { basename } from 'node:path';
import { z } from 'zod';
import { readCsv } from '../table/csv.js';
import { ResultsTable } from '../table/results-table.js';

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
 * The table of a configuration; its space is named after the file.
 * @throws NasError `invalid-input` when the file cannot be read or used, naming lines.
 */
export const loadTable = ({ file, decisions }: TableConfig): ResultsTable =>
  ResultsTable.of(basename(file), readCsv(file), decisions);
