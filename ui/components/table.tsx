import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly title: string;
  /** Numbers are aligned to the right. */
  readonly numeric?: boolean;
  /** Whether its cells are the headings of their rows. */
  readonly heading?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

export const numberColumn = <Row,>(title: string, cell: Column<Row>['cell']): Column<Row> => ({
  title,
  numeric: true,
  cell,
});

interface TableProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Its name for screen readers. */
  readonly label?: string;
}

/** A text that is never broken between a number and its unit, or between `±` and its error. */
export const unbroken = (text: string): string => text.replaceAll(/ (?=%|(?:ms|[KMG]iB|[kMG])\b)|(?<=±) /g, '\u00a0');

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
              {columns.map((column) => {
                const Cell = column.heading === true ? 'th' : 'td';
                const content = column.cell(row);
                return (
                  <Cell key={column.title} scope={Cell === 'th' ? 'row' : undefined} class={classOf(column)}>
                    {typeof content === 'string' && column.numeric === true ? unbroken(content) : content}
                  </Cell>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
