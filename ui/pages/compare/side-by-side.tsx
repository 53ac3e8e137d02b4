import type { ComponentChildren } from 'preact';
import type { Objective } from '../../../experiments/page/api.js';

/** Signs, so that no meaning depends on colour alone. */
const marks = {
  best: { sign: '★', meaning: 'best' },
  apart: { sign: '≠', meaning: 'differs' },
} as const;

export interface SideCell {
  readonly text: ComponentChildren;
  /** `best` of its row, or `apart` from the first column. */
  readonly mark?: keyof typeof marks | undefined;
  readonly note?: string | null;
}

export interface SideRow {
  readonly title: string;
  readonly cells: readonly SideCell[];
  /** Marks a row whose columns differ. */
  readonly differs?: boolean;
}

/** Which values are best; none where all are equal, fewer than two are known, or there is no direction. */
export function bestOf(
  values: readonly (number | null)[],
  direction: Objective['direction'] | undefined,
): readonly boolean[] {
  const known = values.filter((value) => value !== null);
  if (direction === undefined || known.length < 2) return values.map(() => false);
  const [least, greatest] = [Math.min(...known), Math.max(...known)];
  const best = direction === 'minimize' ? least : greatest;
  return values.map((value) => least < greatest && value === best);
}

/** A row of numbers with its best cells marked. */
export function numberRow(
  title: string,
  values: readonly (number | null)[],
  direction: Objective['direction'] | undefined,
  write: (value: number | null) => string,
  noteOf: (column: number) => string | null = () => null,
): SideRow {
  const best = bestOf(values, direction);
  const cells = values.map((value, i) => ({
    text: write(value),
    mark: best[i] ? ('best' as const) : undefined,
    note: noteOf(i),
  }));
  return { title, cells };
}

function Mark({ mark }: { readonly mark: keyof typeof marks }) {
  const { sign, meaning } = marks[mark];
  return (
    <span class="side-mark" title={meaning}>
      <span aria-hidden="true">{sign} </span>
      <span class="visually-hidden">({meaning}) </span>
    </span>
  );
}

interface SideBySideProps {
  readonly label: string;
  readonly heads: readonly ComponentChildren[];
  readonly rows: readonly SideRow[];
}

export function SideBySide({ label, heads, rows }: SideBySideProps) {
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
