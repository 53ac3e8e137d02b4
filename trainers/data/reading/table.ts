import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { didYouMean } from '../../../base/text.js';
import { kindOf } from './names.js';

/** A table of texts; lists and objects of JSON are JSON texts. */
export interface Table {
  /** For messages. */
  readonly file: string;
  readonly columns: readonly string[];
  /** The cells of each row in the order of the columns, and its line in the file, from 1. */
  readonly rows: readonly { readonly cells: readonly string[]; readonly line: number }[];
  /** How the text was understood: `separated by semicolons, UTF-16`. */
  readonly format: string;
}

const records = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }));
const objects = z.array(z.record(z.string(), z.unknown()));

export const isTable = (path: string): boolean => /\.(csv|tsv|tab|jsonl|ndjson|json)$/i.test(path);

/**
 * The text of a file of a spreadsheet or editor: UTF-8, or UTF-16 with its mark.
 * @throws NasError `invalid-input` with the first line in another encoding
 */
function textOf(file: string, bytes: Buffer): { readonly text: string; readonly encoding: string } {
  const mark = bytes.toString('hex', 0, 2);
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  const text = new TextDecoder(encoding).decode(bytes);
  const lines = text.split(/\r\n|\n|\r/);
  const line = lines.findIndex((one) => /[\0\ufffd]/.test(one));
  if (line < 0) return { text, encoding: encoding.toUpperCase() };
  throw invalidInput(
    `${file}, line ${line + 1}: ${JSON.stringify(lines[line].slice(0, 80))} is not ${encoding.toUpperCase()}`,
    { hint: 'Save the table in the encoding UTF-8; spreadsheets call it "CSV UTF-8".' },
  );
}

/**
 * Reads CSV (separated by commas, semicolons, bars or tabs), JSON Lines, or a JSON list of objects; the first line of CSV names
 * the columns.
 * @throws NasError `invalid-input` with the line where the file is no such table, or may be one of two
 */
export function readTable(file: string, bytes: Buffer): Table {
  const { text, encoding } = textOf(file, bytes);
  const { format, ...table } = /\.(jsonl|ndjson|json)$/i.test(file) ? jsonTable(file, text) : csvTable(file, text);
  if (table.rows.length === 0)
    throw invalidInput(`${file}: has no rows`, {
      hint: 'Expected the names of the columns in the first line, then a row per image.',
    });
  return { ...table, file, format: encoding === 'UTF-8' ? format : `${format}, ${encoding}` };
}

type Lines = z.output<typeof records>;
type Content = Omit<Table, 'file'>;

const separators = { '\t': 'tabs', ';': 'semicolons', ',': 'commas', '|': 'bars' } as const;
type Separator = keyof typeof separators;

/** The rows between separators of a kind, or why the text has none. */
function linesBy(text: string, delimiter: Separator, to?: number): Lines | CsvError {
  try {
    const options = { bom: true, info: true, skip_empty_lines: true, trim: true, delimiter } as const;
    return records.parse(parse(text, { ...options, record_delimiter: ['\r\n', '\n', '\r'], ...(to && { to }) }));
  } catch (error) {
    if (error instanceof CsvError) return error;
    throw error;
  }
}

function csvTable(file: string, text: string): Content {
  const { separator, lines } = separated(file, text);
  if (lines instanceof CsvError)
    throw invalidInput(`${file}: not a table: ${lines.message} (separated by ${separators[separator]})`, {
      cause: lines,
      hint: 'Expected CSV with as many cells in each row as in the first line, which names the columns.',
    });
  const [header, ...rows] = lines;
  const image = rows.length > 0 ? header.record.find((name) => kindOf(name) === 'image') : undefined;
  if (image !== undefined)
    throw invalidInput(`${file}, line ${header.info.lines}: ${JSON.stringify(image)} is no name of a column`, {
      hint: 'The first line names the columns: image,label.',
    });
  return {
    columns: lines.length === 0 ? [] : header.record,
    rows: rows.map(({ record, info }) => ({ cells: record, line: info.lines })),
    format: lines.length > 0 && header.record.length > 1 ? `separated by ${separators[separator]}` : 'one column',
  };
}

/**
 * The separator of a table: a tab of the first line, else the sign that separates names there and as many cells in each row.
 * @throws NasError `invalid-input` when two signs do
 */
function separated(file: string, text: string): { readonly separator: Separator; readonly lines: Lines | CsvError } {
  const named = (Object.keys(separators) as Separator[]).flatMap((separator) => {
    const header = linesBy(text, separator, 1);
    return header instanceof CsvError || header.length === 0 || header[0].record.length < 2
      ? []
      : [{ separator, names: header[0].record }];
  });
  const [first = { separator: ',' as const }, ...others] = named;
  if (first.separator === '\t' || others.length === 0)
    return { separator: first.separator, lines: linesBy(text, first.separator) };
  const read = named.map(({ separator, names }) => ({ separator, names, lines: linesBy(text, separator) }));
  const fitting = read.filter(({ lines }) => !(lines instanceof CsvError));
  if (fitting.length > 1) {
    const ways = fitting.map(({ separator, names }) => `${separators[separator]} (${names.join(' · ')})`);
    throw invalidInput(`${file}, line 1: the table may be separated by ${ways.join(' or ')}`, {
      hint: 'Put names and cells that hold a separator into double quotes, or separate the table by tabs.',
    });
  }
  return fitting.at(0) ?? read.reduce((best, one) => (one.names.length > best.names.length ? one : best));
}

function jsonTable(file: string, text: string): Content {
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
    format: isList ? 'a JSON list' : 'JSON Lines',
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
