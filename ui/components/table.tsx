import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly title: string;
  /** Numbers are aligned to the right. */
  readonly numeric?: boolean;
  /** Whether its cells are the headings of their rows. */
  readonly heading?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

interface TableProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Its name for screen readers. */
  readonly label?: string;
}

const classOf = ({ numeric }: { readonly numeric?: boolean }) => (numeric === true ? 'number' : undefined);

/** A plain table that scrolls sideways when it is too wide. */
export function Table<Row>({ columns, rows, label }: TableProps<Row>) {
  return (
    // The focus lets the keyboard scroll.
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
