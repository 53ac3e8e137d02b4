/** A Markdown table. Pipes in cells are escaped. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (text: string): string => `\`${text}\``;

export const codes = (texts: readonly string[]): string => texts.map(code).join(', ');

/** The first line of a generated file. */
export const generatedNotice =
  '<!-- Written by `npm run docs`; change the code that it describes, or docs/generator/. -->';

/** Paragraphs, tables and headings as one file. */
export const page = (...parts: readonly string[]): string => `${[generatedNotice, ...parts].join('\n\n')}\n`;
