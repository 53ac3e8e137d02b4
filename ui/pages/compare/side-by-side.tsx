import type { ComponentChildren } from 'preact';
import { type Certainty, type Estimate, surelyBetter } from '../../../base/certainty.js';
import type { Objective } from '../../../reports/page/api.js';
import { unbroken } from '../../components/table.js';

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

/** A value of one column; null is unknown. */
export interface SideValue {
  readonly value: number | null;
  readonly certainty?: Certainty | undefined;
}

const isKnown = (side: SideValue): side is Estimate => side.value !== null;

/**
 * Which values are best: by more than noise, and reliably measured. None where all are equal, fewer than two are known, or
 * there is no direction. Several equal ones may be best.
 */
export function bestOf(
  values: readonly SideValue[],
  direction: Objective['direction'] | undefined,
): readonly boolean[] {
  const known = values.filter(isKnown);
  if (direction === undefined || known.length < 2) return values.map(() => false);
  return values.map((own) => {
    if (!isKnown(own) || own.certainty?.unreliable !== undefined) return false;
    const others = known.filter(({ value }) => value !== own.value);
    return others.length > 0 && others.every((other) => surelyBetter(direction, own, other));
  });
}

/** A row of numbers with its best cells marked. */
export function numberRow(
  title: string,
  values: readonly SideValue[],
  direction: Objective['direction'] | undefined,
  write: (side: SideValue) => ComponentChildren,
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
  /** Whether the texts are lines of code. */
  readonly areLines?: boolean;
}

export function SideBySide({ label, heads, rows, areLines = false }: SideBySideProps) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table class={areLines ? 'side lines' : 'side'}>
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
          {rows.map(({ title, cells, differs }, at) => (
            <tr key={at} class={differs === true ? 'differs' : undefined}>
              <th scope="row">
                {title}
                {differs === true && <span class="visually-hidden"> (differs)</span>}
              </th>
              {cells.map(({ text, mark, note }, i) => (
                <td key={i} class={mark}>
                  {mark !== undefined && <Mark mark={mark} />}
                  {typeof text === 'string' && !areLines ? unbroken(text) : text}
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
