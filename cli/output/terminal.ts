import picocolors from 'picocolors';
import { stripVTControlCharacters } from 'node:util';

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Where a command writes to; results to `out`, everything else to `err`. */
export interface Terminal {
  /** Colours of `out`: plain unless a person reads it. */
  readonly colors: Colors;
  /** Whether `err` is a terminal on which lines can be drawn again. */
  readonly live: boolean;
  /** Width of the terminal, in characters. */
  readonly columns: () => number;
  /** Its height, in lines; absent where that is not known. */
  readonly rows?: () => number;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const plainWish = (argv: readonly string[], env: NodeJS.ProcessEnv): boolean =>
  argv.includes('--no-color') || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';

/** The reader has gone away (`| head`), or the terminal was closed. */
const nobodyReads = new Set(['EPIPE', 'EIO']);

/** The process's own terminal. What nobody reads any more is dropped, and the work goes on: a run must not end of it. */
export function processTerminal(argv: readonly string[], env: NodeJS.ProcessEnv): Terminal {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!nobodyReads.has(error.code ?? '')) throw error;
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

export interface Column<Row> {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly numeric?: boolean;
  readonly cell: (row: Row) => string;
}

const gap = '  ';

const widthOf = (text: string): number => (text.includes('\u001b') ? stripVTControlCharacters(text) : text).length;

/**
 * Rows as aligned columns under bold titles; ends with a line break. Written here because ten thousand trials must
 * appear at once: table libraries take a minute for them.
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

/** Names and values, one a line, the values aligned. */
export function renderFacts(facts: readonly (readonly [name: string, value: string])[], colors: Colors): string {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${colors.dim(name.padEnd(width))}${gap}${value}\n`).join('');
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
