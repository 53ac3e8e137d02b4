import { useRef } from 'preact/hooks';
import type { Field, FieldGroup } from '../../data/field.js';

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
