import Table from 'cli-table3';
import type { Colors } from './terminal.js';

export interface Column<Row> {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly numeric?: boolean;
  readonly cell: (row: Row) => string;
}

const frame = (middle: string): Record<string, string> => ({
  ...Object.fromEntries(
    ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
      side === 'mid'
        ? [
            ['mid', ''],
            ['mid-mid', ''],
            ['left-mid', ''],
            ['right-mid', ''],
          ]
        : [
            [side, ''],
            [`${side}-mid`, ''],
            [`${side}-left`, ''],
            [`${side}-right`, ''],
          ],
    ),
  ),
  middle,
});

const charsWithoutLines = frame('  ');

/** Rows as aligned columns under bold titles, without lines; ends with a line break. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], colors: Colors): string {
  const table = new Table({
    chars: charsWithoutLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    head: columns.map(({ title }) => colors.bold(title)),
    colAligns: columns.map(({ numeric }) => (numeric === true ? 'right' : 'left')),
  });
  table.push(...rows.map((row) => columns.map(({ cell }) => cell(row))));
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

/** Names and values, one a line, the values aligned. */
export function renderFacts(facts: readonly (readonly [name: string, value: string])[], colors: Colors): string {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${colors.dim(name.padEnd(width))}  ${value}\n`).join('');
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
