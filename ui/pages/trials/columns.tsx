import { useRef } from 'preact/hooks';
import { Checkbox } from '../../components/elements.js';
import type { GridColumn } from '../../components/grid.js';
import type { Field, FieldGroup, Known } from '../../data/fields.js';
import { hoverOf } from '../../data/measures.js';
import type { SortKey } from '../../data/sorted.js';

/** With more decisions than this, their columns are hidden by default. */
const fewDecisions = 12;

const always = new Set(['number', 'state', 'precision', 'frontier', 'took', 'reason']);

export function defaultColumns({ candidates }: Known, fields: readonly Field[]): readonly string[] {
  const decisions = fields.filter(({ group }) => group === 'decision').length;
  const isShown = ({ name, group, cell }: Field): boolean => {
    if (always.has(name) || group === 'objective') return true;
    if (group === 'decision') return decisions <= fewDecisions;
    if (name === 'message') return candidates.state.some((state) => state === 'pruned' || state === 'failed');
    if (!['final_accuracy', 'enqueued', 'tag', 'note'].includes(name)) return false;
    return candidates.number.some((_, row) => cell(row) !== null);
  };
  return fields.filter(isShown).map(({ name }) => name);
}

/** The title in the menu and the width of columns, px, by group. */
const groups: { readonly [G in FieldGroup]: { readonly title: string; readonly width: number } } = {
  trial: { title: 'Trial', width: 106 },
  objective: { title: 'Objectives', width: 136 },
  measure: { title: 'Other values', width: 136 },
  final: { title: 'After the search', width: 136 },
  course: { title: 'Course', width: 104 },
  text: { title: 'Texts', width: 300 },
  decision: { title: 'Decisions', width: 104 },
};

/** Wide enough for the title and the arrow of a sorted column. */
const widthOf = ({ name, group, title }: Field): number =>
  name === 'number' ? 76 : Math.max(groups[group].width, 8 * title.length + 44);

interface RowLinks {
  readonly href: (number: number) => string;
  readonly isSelected: (row: number) => boolean;
  readonly onSelect: (row: number) => void;
}

function contentOf(field: Field, { candidates, measures }: Known, links: RowLinks): GridColumn['content'] {
  const { name, group, cell, text } = field;
  if (name === 'number')
    return (row) => {
      const number = candidates.number[row];
      return (
        <>
          <input
            type="checkbox"
            tabIndex={-1}
            aria-label={`Compare trial ${number}`}
            checked={links.isSelected(row)}
            onClick={(event) => {
              event.preventDefault();
              links.onSelect(row);
            }}
          />
          <a tabIndex={-1} href={links.href(number)}>
            {number}
          </a>
        </>
      );
    };
  if (name === 'state') return (row) => <span class={`state ${candidates.state[row]}`}>{text(row)}</span>;
  if (group === 'objective' || group === 'measure')
    return (row) => {
      const certainty = candidates.certainty.get(name)?.[row];
      const hover = hoverOf(measures, name, certainty);
      if (candidates.provenance.get(name)?.[row] === 'predicted')
        return (
          <span title={hover === undefined ? 'predicted' : `predicted; ${hover}`} class="predicted">
            ≈ {text(row)}
          </span>
        );
      return (
        <span title={hover} class={certainty?.unreliable === undefined ? undefined : 'unreliable'}>
          {certainty?.unreliable === undefined ? text(row) : `${text(row)} ?`}
        </span>
      );
    };
  if (group === 'text') return (row) => <span title={text(row)}>{text(row)}</span>;
  if (field.kind === 'flag') return (row) => (cell(row) === true ? 'yes' : '-');
  return text;
}

export const gridColumns = (
  shown: readonly Field[],
  sort: readonly SortKey[],
  known: Known,
  links: RowLinks,
): readonly GridColumn[] =>
  shown.map((field) => {
    const key = sort.find(({ name }) => name === field.name);
    return {
      name: field.name,
      title: field.title,
      note: `${field.name}: click sorts by it, Shift and click adds it as a further key`,
      numeric: field.kind === 'number' && field.name !== 'number',
      width: widthOf(field),
      sorted: key === undefined ? null : key.descending ? 'descending' : 'ascending',
      content: contentOf(field, known, links),
    };
  });

interface ColumnMenuProps {
  readonly fields: readonly Field[];
  readonly shown: ReadonlySet<string>;
  readonly onSwitch: (names: readonly string[], on: boolean) => void;
  readonly onDefault: () => void;
}

export function ColumnMenu({ fields, shown, onSwitch, onDefault }: ColumnMenuProps) {
  const details = useRef<HTMLDetailsElement>(null);
  const all = fields.map(({ name }) => name);
  return (
    <details
      ref={details}
      class="menu"
      onKeyDown={({ key }) => {
        if (key !== 'Escape' || details.current === null) return;
        details.current.open = false;
        details.current.querySelector('summary')?.focus();
      }}
    >
      <summary>Columns</summary>
      <div class="menu-panel">
        <p>
          <button type="button" onClick={onDefault}>
            Default
          </button>{' '}
          <button type="button" onClick={() => onSwitch(all, true)}>
            All
          </button>
        </p>
        {(Object.keys(groups) as FieldGroup[]).map((group) => {
          // The number identifies the row and cannot be hidden.
          const own = fields.filter((field) => field.group === group && field.name !== 'number');
          return (
            own.length > 0 && (
              <fieldset key={group}>
                <legend>{groups[group].title}</legend>
                {own.map(({ name, title }) => (
                  <Checkbox
                    key={name}
                    label={title}
                    checked={shown.has(name)}
                    onChange={(on) => onSwitch([name], on)}
                  />
                ))}
              </fieldset>
            )
          );
        })}
      </div>
    </details>
  );
}
