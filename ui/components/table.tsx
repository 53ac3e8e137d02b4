import type { ComponentChildren } from 'preact';

/** A column of a table of which every row is there. */
export interface Column<Row> {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly numeric?: boolean;
  /** It says what the row is of. */
  readonly heading?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

interface TableProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** What screen readers call it, where no heading stands right above it. */
  readonly label?: string;
}

const classOf = ({ numeric }: { readonly numeric?: boolean }) => (numeric === true ? 'number' : undefined);

/** A plain table; wider than its place, it scrolls. */
export function Table<Row>({ columns, rows, label }: TableProps<Row>) {
  return (
    // Whoever has no pointer scrolls what has the focus.
    <div class="scroll" tabIndex={0}>
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={classOf(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {columns.map((column) =>
                column.heading === true ? (
                  <th key={column.title} scope="row" class={classOf(column)}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.title} class={classOf(column)}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
