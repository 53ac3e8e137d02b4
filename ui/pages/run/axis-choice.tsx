import { extentOf, spansDecades } from '../../charts/axis.js';

interface Props {
  /** `x` or `y`. */
  readonly axis: string;
  readonly value: string;
  readonly options: readonly { readonly name: string; readonly title: string }[];
  readonly onChange: (name: string) => void;
  readonly log: boolean;
  readonly onLog: (log: boolean) => void;
}

/** What an axis shows, and whether it is logarithmic. */
export function AxisChoice({ axis, value, options, onChange, log, onLog }: Props) {
  return (
    <span class="axis-choice">
      <label>
        {axis}{' '}
        <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          {options.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label>
        <input type="checkbox" checked={log} onChange={({ currentTarget: { checked } }) => onLog(checked)} />
        <span>
          log<span class="visually-hidden"> scale of {axis}</span>
        </span>
      </label>
    </span>
  );
}

/** Whether an axis is logarithmic when nobody says. */
export const isLogarithmic = (column: readonly (number | null)[] | undefined): boolean =>
  spansDecades(extentOf((column ?? []).filter((value) => value !== null)));
