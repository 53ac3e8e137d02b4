import { z } from 'zod';
import { readCsvLines, readText, type CsvLine } from '../../../base/csv.js';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { didYouMean } from '../../../base/text.js';
import { kindOf } from './names.js';

/** A table of texts; lists and objects of JSON are JSON texts. */
export interface Table {
  /** For messages. */
  readonly file: string;
  readonly columns: readonly string[];
  /** The cells of each row in the order of the columns, and its line in the file, from 1. */
  readonly rows: readonly CsvLine[];
  /** How the text was understood: `separated by semicolons, UTF-16`. */
  readonly format: string;
}

const objects = z.array(z.record(z.string(), z.unknown()));

export const isTable = (path: string): boolean => /\.(csv|tsv|tab|jsonl|ndjson|json)$/i.test(path);

/**
 * Reads CSV (separated by commas, semicolons, bars or tabs), JSON Lines, or a JSON list of objects; the first line of CSV names
 * the columns.
 * @throws NasError `invalid-input` with the line where the file is no such table, or may be one of two
 */
export function readTable(file: string, bytes: Buffer): Table {
  const table = /\.(jsonl|ndjson|json)$/i.test(file) ? jsonTable(file, bytes) : csvTable(file, bytes);
  if (table.rows.length === 0)
    throw invalidInput(`${file}: has no rows`, {
      hint: 'Expected the names of the columns in the first line, then a row per image.',
    });
  return { ...table, file };
}

type Content = Omit<Table, 'file'>;

function csvTable(file: string, bytes: Buffer): Content {
  const { lines, format } = readCsvLines(file, bytes);
  const [header, ...rows] = lines;
  const image = rows.length > 0 ? header.cells.find((name) => kindOf(name) === 'image') : undefined;
  if (image !== undefined)
    throw invalidInput(`${file}, line ${header.line}: ${JSON.stringify(image)} is no name of a column`, {
      hint: 'The first line names the columns: image,label.',
    });
  return { columns: lines.length === 0 ? [] : header.cells, rows, format };
}

function jsonTable(file: string, bytes: Buffer): Content {
  const { text, note } = readText(file, bytes);
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
    columns,
    rows: values.map(({ value, line }) => ({ cells: columns.map((name) => cellText(value[name])), line })),
    format: `${isList ? 'a JSON list' : 'JSON Lines'}${note}`,
  };
}

function cellText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parsed(where: string, text: string): z.output<typeof objects> {
  try {
    return objects.parse(JSON.parse(text));
  } catch (cause) {
    throw invalidInput(`${where}: not JSON of an object per image: ${messageOf(cause).split('\n')[0]}`, {
      cause,
      hint: 'Expected a line for each image, such as {"image": "a.jpg", "label": "cat"}, or a list of such objects.',
    });
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
 * @throws NasError `invalid-input` with the columns when there is none, or several
 */
export function columnOf(table: Table, key: string, name: string | undefined, usual: readonly string[]): number {
  const { file, columns } = table;
  const plain = columns.map((column) => column.toLowerCase());
  const found =
    name === undefined
      ? (usual.map((one) => indicesOf(plain, one)).find((indices) => indices.length > 0) ?? [])
      : indicesOf(columns, name);
  const hint = `data.${key} names the column of the ${key}.`;
  if (found.length > 1)
    throw invalidInput(`${file}, line 1: ${found.length} columns are called '${columns[found[0]]}'`, {
      hint: `Give each its own name; ${hint}`,
    });
  if (found.length === 1) return found[0];
  const meant = name === undefined ? '' : didYouMean(name, columns);
  const problem =
    name === undefined ? `: it is not clear which column holds the ${key}` : ` has no column '${name}'${meant}`;
  throw invalidInput(`${file}${problem} (it has ${columns.join(', ')})`, { hint });
}

const indicesOf = (names: readonly string[], name: string): number[] =>
  names.flatMap((other, i) => (other === name ? [i] : []));
