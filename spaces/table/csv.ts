import { extname } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import { readInput } from '../../base/files.js';

/** A file of rows with named columns, as text. */
export interface Csv {
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The line of the file that each row ends on, from 1. */
  readonly lines: readonly number[];
}

const records = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }));

/**
 * Reads a CSV file (RFC 4180, first line: names of the columns; tabs instead of commas in a `.tsv`).
 * @throws NasError `invalid-input` when it cannot be read, has no rows, or a row has other columns than the first line.
 */
export function readCsv(file: string): Csv {
  const [header, ...body] = parsed(file);
  const columns = header.record;
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw invalidInput(`${file}: two columns are called '${twice}'`);
  if (body.length === 0) throw invalidInput(`${file}: has no rows, only the names of the columns`);
  return { file, columns, rows: body.map(({ record }) => record), lines: body.map(({ info }) => info.lines) };
}

function parsed(file: string): z.output<typeof records> {
  const text = readInput(file).toString('utf8');
  const options = { bom: true, info: true, skip_empty_lines: true, trim: true } as const;
  try {
    const found = records.parse(parse(text, { ...options, delimiter: extname(file) === '.tsv' ? '\t' : ',' }));
    if (found.length > 0) return found;
  } catch (error) {
    if (error instanceof CsvError) throw invalidInput(`${file}: not a table: ${error.message}`, { cause: error });
    throw error;
  }
  throw invalidInput(`${file}: is empty; expected a first line with the names of the columns, and rows`);
}
