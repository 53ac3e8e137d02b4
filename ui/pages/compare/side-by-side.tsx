import type { ComponentChildren } from 'preact';

/** What stands in a column of a row. */
export interface SideCell {
  readonly text: ComponentChildren;
  /** `best` of its row, or `apart`: not what the first column has. */
  readonly mark?: keyof typeof marks | undefined;
  /** Said beside it, quietly. */
  readonly note?: string | null;
}

export interface SideRow {
  readonly title: string;
  readonly cells: readonly SideCell[];
  /** Whether columns differ, where that matters. */
  readonly differs?: boolean;
}

/** Signs, so that nothing is said by colour alone, and what they mean. */
const marks = {
  best: { sign: '★', meaning: 'best' },
  apart: { sign: '≠', meaning: 'differs' },
} as const;

function Mark({ mark }: { readonly mark: keyof typeof marks }) {
  const { sign, meaning } = marks[mark];
  return (
    <span class="side-mark" title={meaning}>
      <span aria-hidden="true">{sign} </span>
      <span class="visually-hidden">({meaning}) </span>
    </span>
  );
}

/** Things beside each other, one a column: a table whose rows say what is compared. */
export function SideBySide({
  label,
  heads,
  rows,
}: {
  readonly label: string;
  readonly heads: readonly ComponentChildren[];
  readonly rows: readonly SideRow[];
}) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table class="side">
        <thead>
          <tr>
            <td />
            {heads.map((head, i) => (
              <th key={i} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ title, cells, differs }) => (
            <tr key={title} class={differs === true ? 'differs' : undefined}>
              <th scope="row">
                {title}
                {differs === true && <span class="visually-hidden"> (differs)</span>}
              </th>
              {cells.map(({ text, mark, note }, i) => (
                <td key={i} class={mark}>
                  {mark !== undefined && <Mark mark={mark} />}
                  {text}
                  {note !== undefined && note !== null && <span class="side-note"> {note}</span>}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
