import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { invalidInput } from './errors.js';

/** A row of a table, and its line in the file, from 1. */
export interface CsvLine {
  readonly cells: readonly string[];
  readonly line: number;
}

const records = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }));
/**
 * The text of a file of a spreadsheet or editor: UTF-8, or UTF-16 with its mark, which the note names.
 * @throws NasError `invalid-input` with the first line in another encoding
 */
export function readText(file: string, bytes: Buffer): { readonly text: string; readonly note: string } {
  const mark = bytes.toString('hex', 0, 2);
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  const text = new TextDecoder(encoding).decode(bytes);
  const lines = text.split(/\r\n|\n|\r/);
  const line = lines.findIndex((one) => /[\0\ufffd]/.test(one));
  if (line < 0) return { text, note: encoding === 'utf-8' ? '' : `, ${encoding.toUpperCase()}` };
  throw invalidInput(
    `${file}, line ${line + 1}: ${JSON.stringify(lines[line].slice(0, 80))} is not ${encoding.toUpperCase()}`,
    { hint: 'Save the table in the encoding UTF-8; spreadsheets call it "CSV UTF-8".' },
  );
}

type Lines = z.output<typeof records>;

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

/**
 * Reads CSV between commas, semicolons, bars or tabs: all lines that are not blank.
 * @returns also how the text was understood: `separated by semicolons, UTF-16LE`
 * @throws NasError `invalid-input` with the line where the file is no table, or may be one of two
 */
export function readCsvLines(
  file: string,
  bytes: Buffer,
): { readonly lines: readonly CsvLine[]; readonly format: string } {
  const { text, note } = readText(file, bytes);
  const { separator, lines } = separated(file, text);
  if (lines instanceof CsvError)
    throw invalidInput(`${file}: not a table: ${lines.message} (separated by ${separators[separator]})`, {
      cause: lines,
      hint: 'Expected CSV with as many cells in each row as in the first line, which names the columns.',
    });
  const isWide = lines.length > 0 && lines[0].record.length > 1;
  return {
    lines: lines.map(({ record, info }) => ({ cells: record, line: info.lines })),
    format: `${isWide ? `separated by ${separators[separator]}` : 'one column'}${note}`,
  };
}
