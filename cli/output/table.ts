import { stripVTControlCharacters } from 'node:util';
import type { Colors } from './terminal.js';

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
