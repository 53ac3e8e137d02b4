import { stripVTControlCharacters } from 'node:util';
import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Output of a command: results to `out`, everything else to `err`. */
export interface Terminal {
  /** Colours of `out`; plain unless it is a terminal. */
  readonly colors: Colors;
  /** Whether `err` is a terminal that can redraw lines. */
  readonly live: boolean;
  /** Width of the terminal, in characters. */
  readonly columns: () => number;
  /** Height in lines; absent when unknown. */
  readonly rows?: () => number;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const plainWish = (argv: readonly string[], env: NodeJS.ProcessEnv): boolean =>
  argv.includes('--no-color') || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';

/** Errors of a closed pipe (`| head`) or terminal. */
const closedOutput = new Set(['EPIPE', 'EIO']);

/** The terminal of the process. Drops output after the reader has closed it, so that a run continues. */
export function processTerminal(argv: readonly string[], env: NodeJS.ProcessEnv): Terminal {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!closedOutput.has(error.code ?? '')) throw error;
    });
  const forced = (env['FORCE_COLOR'] ?? '') !== '';
  return {
    colors: picocolors.createColors(!plainWish(argv, env) && (process.stdout.isTTY || forced)),
    live: process.stderr.isTTY && env['TERM'] !== 'dumb',
    columns: () => process.stderr.columns,
    rows: () => process.stderr.rows,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
}

/** A text without characters that steer a terminal, which names of files may hold. */
export const printable = (text: string): string => text.replaceAll(/[^\P{Cc}\n\t]/gu, '\ufffd');

export interface Column<Row> {
  readonly title: string;
  /** Right-aligned. */
  readonly numeric?: boolean;
  readonly cell: (row: Row) => string;
}

/** A right-aligned column. */
export const numeric = <Row>(title: string, cell: Column<Row>['cell']): Column<Row> => ({ title, numeric: true, cell });

const gap = '  ';

const widthOf = (text: string): number => (text.includes('\u001b') ? stripVTControlCharacters(text) : text).length;

/**
 * Aligned columns under bold titles, ending with a line break. Table libraries take a minute for ten thousand trials.
 */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], colors: Colors): string {
  const lines = [
    columns.map(({ title }) => colors.bold(title)),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, i) => lines.reduce((width, line) => Math.max(width, widthOf(line[i])), 0));
  const aligned = (text: string, i: number): string => {
    const padding = ' '.repeat(widths[i] - widthOf(text));
    return columns[i].numeric === true ? padding + text : text + padding;
  };
  return lines.map((line) => `${line.map(aligned).join(gap).trimEnd()}\n`).join('');
}

export type Fact = readonly [name: string, value: string];

/** Aligned names and values, one pair a line; `false` stands for a fact that is not known. */
export function renderFacts(facts: readonly (Fact | false)[], colors: Colors): string {
  const known = facts.filter((fact) => fact !== false);
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${colors.dim(name.padEnd(width))}${gap}${value}\n`).join('');
}

export const warningLine = (text: string, colors: Colors): string => `${colors.yellow('warning')}: ${text}\n`;

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
