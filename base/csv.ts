export type CsvCell = string | number | boolean | null | undefined;

/** RFC 4180: quoted where a comma, a quote or a line break is inside. */
function cell(value: CsvCell): string {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line of CSV. */
export const csvLine = (cells: readonly CsvCell[]): string => `${cells.map(cell).join(',')}\n`;
