import type { StoredPrecision } from '../../../experiments/page/api.js';
import type { GridColumn } from '../../components/grid.js';
import type { Field, FieldGroup, Known } from '../../data/fields.js';
import type { SortKey } from '../../data/sorted.js';
import { useRef } from 'preact/hooks';

/** As many decisions are shown unasked. */
const fewDecisions = 12;

const someKnown = ({ candidates: { length } }: Known, { cell }: Field): boolean => {
  for (let row = 0; row < length; row++) if (cell(row) !== null) return true;
  return false;
};

/** Columns that are shown until others are chosen. */
export function usualColumns(known: Known, fields: readonly Field[]): readonly string[] {
  const decisions = fields.filter(({ group }) => group === 'decision').length;
  const always = new Set(['number', 'state', 'precision', 'frontier', 'took', 'reason']);
  const whereKnown = new Set(['final_accuracy', 'enqueued', 'message']);
  const usual = (field: Field): boolean =>
    always.has(field.name) ||
    field.group === 'objective' ||
    (field.group === 'decision' && decisions <= fewDecisions) ||
    (whereKnown.has(field.name) && (field.group === 'text' ? someEnded(known) : someKnown(known, field)));
  return fields.filter(usual).map(({ name }) => name);
}

/** Whether some trial has ended in a way that a message explains. */
const someEnded = ({ candidates: { state } }: Known): boolean =>
  state.some((each) => each === 'pruned' || each === 'failed');

const widths: { readonly [G in FieldGroup]: number } = {
  trial: 112,
  objective: 118,
  measure: 118,
  decision: 104,
  final: 118,
  course: 104,
  text: 300,
};

/** Wide enough for its title with an arrow. */
const widthOf = ({ group, title }: Field): number => Math.max(widths[group], 8 * title.length + 44);

/** What the number's cell shows besides it. */
interface RowLinks {
  readonly href: (number: number, precision: StoredPrecision) => string;
  readonly isSelected: (row: number) => boolean;
  readonly onSelect: (row: number) => void;
}

/** A cell's content: the text, in the look that its meaning has. */
function contentOf(field: Field, { candidates }: Known, links: RowLinks): GridColumn['content'] {
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
          <a tabIndex={-1} href={links.href(number, candidates.precision[row])}>
            {number}
          </a>
        </>
      );
    };
  if (name === 'state') return (row) => <span class={`state ${candidates.state[row]}`}>{text(row)}</span>;
  if (group === 'objective' || group === 'measure')
    return (row) =>
      candidates.provenance.get(name)?.[row] === 'predicted' ? (
        <span title="predicted" class="predicted">
          ≈ {text(row)}
        </span>
      ) : (
        text(row)
      );
  if (group === 'text')
    return (row) => {
      const long = text(row);
      return <span title={long}>{long}</span>;
    };
  if (field.kind === 'flag') return (row) => (cell(row) === true ? 'yes' : '-');
  return text;
}

/** Fields as columns of the table. */
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
      note: `${field.name}: sort by it; with Shift, as a further key`,
      numeric: field.kind === 'number' && field.name !== 'number',
      width: widthOf(field),
      sorted: key === undefined ? null : key.descending ? 'descending' : 'ascending',
      content: contentOf(field, known, links),
    };
  });

const groups: { readonly [G in FieldGroup]: string } = {
  trial: 'Trial',
  objective: 'Objectives',
  measure: 'Other values',
  final: 'After the search',
  course: 'Course',
  text: 'Texts',
  decision: 'Decisions',
};

interface ColumnMenuProps {
  readonly fields: readonly Field[];
  readonly shown: ReadonlySet<string>;
  readonly onSwitch: (names: readonly string[], on: boolean) => void;
  readonly onUsual: () => void;
}

/** Which columns are shown. */
export function ColumnMenu({ fields, shown, onSwitch, onUsual }: ColumnMenuProps) {
  const details = useRef<HTMLDetailsElement>(null);
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
          <button type="button" onClick={onUsual}>
            The usual ones
          </button>{' '}
          <button
            type="button"
            onClick={() =>
              onSwitch(
                fields.map(({ name }) => name),
                true,
              )
            }
          >
            All
          </button>
        </p>
        {(Object.keys(groups) as FieldGroup[]).map((group) => {
          // The number names the row: it is always there.
          const own = fields.filter((field) => field.group === group && field.name !== 'number');
          return (
            own.length > 0 && (
              <fieldset key={group}>
                <legend>{groups[group]}</legend>
                {own.map(({ name, title }) => (
                  <label key={name}>
                    <input
                      type="checkbox"
                      checked={shown.has(name)}
                      onChange={({ currentTarget: { checked } }) => onSwitch([name], checked)}
                    />{' '}
                    {title}
                  </label>
                ))}
              </fieldset>
            )
          );
        })}
      </div>
    </details>
  );
}
