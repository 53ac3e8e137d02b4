import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { nearest } from '../../../base/text.js';

/** A table of texts. */
export interface Table {
  /** For messages. */
  readonly file: string;
  readonly columns: readonly string[];
  /** The cells of each row in the order of the columns, and its line in the file, from 1. */
  readonly rows: readonly { readonly cells: readonly string[]; readonly line: number }[];
}

const records = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }));
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const cell = z.union([scalar, z.array(scalar)]).optional();
const objects = z.array(z.record(z.string(), z.unknown()));

export const isTable = (path: string): boolean => /\.(csv|tsv|tab|jsonl|ndjson|json)$/i.test(path);

/** The text of a file of a spreadsheet or editor: UTF-8, or UTF-16 with its mark. */
function textOf(bytes: Buffer): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/**
 * Reads CSV (separated by commas, semicolons or tabs), JSON Lines, or a JSON list of objects; the first line of CSV names
 * the columns.
 * @throws NasError `invalid-input` with the line where the file is no such table
 */
export function readTable(file: string, bytes: Buffer): Table {
  const text = textOf(bytes);
  const table = /\.(jsonl|ndjson|json)$/i.test(file) ? jsonTable(file, text) : csvTable(file, text);
  if (table.rows.length === 0)
    throw invalidInput(`${file}: has no rows`, {
      hint: 'Expected the names of the columns in the first line, then a row per image.',
    });
  return table;
}

function csvTable(file: string, text: string): Table {
  const [header = ''] = text.split('\n', 1);
  const count = (separator: string): number => header.split(separator).length;
  const delimiter = ['\t', ';', ','].reduce((best, one) => (count(one) > count(best) ? one : best), ',');
  try {
    const lines = records.parse(parse(text, { bom: true, info: true, skip_empty_lines: true, trim: true, delimiter }));
    return {
      file,
      columns: lines.length === 0 ? [] : lines[0].record,
      rows: lines.slice(1).map(({ record, info }) => ({ cells: record, line: info.lines })),
    };
  } catch (cause) {
    if (cause instanceof CsvError) {
      throw invalidInput(`${file}: not a table: ${cause.message}`, {
        cause,
        hint: 'Expected CSV with as many cells in each row as in the first line, which names the columns.',
      });
    }
    throw cause;
  }
}

function jsonTable(file: string, text: string): Table {
  const isList = text.trimStart().startsWith('[');
  const lines = isList
    ? []
    : text
        .split('\n')
        .map((line, i) => ({ line, at: i + 1 }))
        .filter(({ line }) => line.trim() !== '');
  const values = isList
    ? parsed(file, text).map((value, i) => ({ value, line: i + 1 }))
    : lines.map(({ line, at }) => ({ value: parsed(`${file}, line ${at}`, `[${line}]`)[0], line: at }));
  const columns = [...new Set(values.flatMap(({ value }) => Object.keys(value)))];
  return {
    file,
    columns,
    rows: values.map(({ value, line }) => ({
      cells: columns.map((name) => {
        const found = cell.safeParse(value[name]).data ?? '';
        // Objects are no labels; a column of them is not asked for.
        return Array.isArray(found) ? found.join(';') : String(found);
      }),
      line,
    })),
  };
}

function parsed(where: string, text: string): z.output<typeof objects> {
  try {
    return objects.parse(JSON.parse(text));
  } catch (cause) {
    throw invalidInput(`${where}: not JSON of an object per image: ${messageOf(cause).split('\n')[0]}`, { cause });
  }
}

export const hasColumn = ({ columns }: Table, names: readonly string[]): boolean =>
  columns.some((column) => names.includes(column) || names.includes(column.toLowerCase()));

/** The first of some columns that a table has, in lower case, by its own name. */
export const nameOfColumn = ({ columns }: Table, names: readonly string[]): string =>
  names.flatMap((name) => columns.filter((column) => column.toLowerCase() === name)).at(0) ?? '';

/**
 * Index of a column.
 * @param name as the experiment gives it; undefined: the first of `usual` that the table has
 * @throws NasError `invalid-input` with the columns when there is none
 */
export function columnOf(table: Table, key: string, name: string | undefined, usual: readonly string[]): number {
  const { file, columns } = table;
  const plain = columns.map((column) => column.toLowerCase());
  const index =
    name === undefined ? (usual.map((one) => plain.indexOf(one)).find((at) => at >= 0) ?? -1) : columns.indexOf(name);
  if (index >= 0) return index;
  const meant = name === undefined ? undefined : nearest(name, columns);
  throw invalidInput(
    name === undefined
      ? `${file}: it is not clear which column holds the ${key} (it has ${columns.join(', ')})`
      : `${file} has no column '${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`} (it has ${columns.join(', ')})`,
    { hint: `data.${key} names the column of the ${key}.` },
  );
}
