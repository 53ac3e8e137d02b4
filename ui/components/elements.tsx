import { Fragment, type ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Choice } from '../../reports/page/api.js';
import { unbroken } from './table.js';

interface CardProps {
  readonly id?: string;
  readonly title: ComponentChildren;
  readonly summary?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Card({ id, title, summary, children }: CardProps) {
  return (
    <details class="card" id={id}>
      <summary>
        {title}
        {summary !== undefined && <span>{summary}</span>}
      </summary>
      {children}
    </details>
  );
}

export type Fact = readonly [name: string, value: ComponentChildren];

export function Facts({ entries }: { readonly entries: readonly Fact[] }) {
  return (
    <dl class="facts">
      {entries.map(([name, value], i) => (
        <Fragment key={i}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

export const Decisions = ({ choices }: { readonly choices: Readonly<Record<string, Choice>> }) => (
  <dl class="decisions">
    {Object.entries(choices).map(([name, choice]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{String(choice)}</dd>
      </div>
    ))}
  </dl>
);

export interface TileText {
  readonly value: string;
  readonly label: string;
}

/** A tile, or none where there is nothing to say. */
export const tileOf = (value: string | null | undefined, label: string): readonly TileText[] =>
  value === null || value === undefined ? [] : [{ value, label }];

export function Tiles({ tiles }: { readonly tiles: readonly TileText[] }) {
  return (
    <div class="tiles">
      {tiles.map(({ value, label }) => (
        <div key={label} class="tile">
          <b>{unbroken(value)}</b>
          <span>{label}</span>
        </div>
      ))}
    </div>
  );
}

const colouredTags = new Set(['measured', 'predicted', 'computed', 'failed', 'unreliable']);

/** A word in a box; the colour of a known word repeats its meaning. */
export const Tag = ({ text }: { readonly text: string }) => (
  <span class={`tag ${colouredTags.has(text) ? text : ''}`.trim()}>{text}</span>
);

/** Local time that sorts as text: `2026-11-27 05:31:07`. `at` is in ms since 1970. */
export function Time({ at }: { readonly at: number }) {
  const date = new Date(at);
  // The Swedish format is this one.
  return <time dateTime={date.toISOString()}>{date.toLocaleString('sv-SE')}</time>;
}

/** A command line, which breaks between words only where they fit, and a button that copies it. */
export const CommandLine = ({ line, label }: { readonly line: string; readonly label: string }) => (
  <>
    <code>
      {line.split(' ').map((word, i) => (
        <Fragment key={i}>
          {i > 0 && ' '}
          <span>{word}</span>
        </Fragment>
      ))}
    </code>
    <CopyButton text={line} label={label} />
  </>
);

/** A problem that interrupts; nothing for null. */
export const Alert = ({ text }: { readonly text: string | null }) =>
  text === null ? null : (
    <p class="banner" role="alert">
      {text}
    </p>
  );

interface SelectProps {
  readonly label?: ComponentChildren;
  readonly value: string;
  readonly options: readonly (readonly [value: string, title: string])[];
  readonly onChange: (value: string) => void;
}

export const Select = ({ label, value, options, onChange }: SelectProps) => (
  <label>
    {label}{' '}
    <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
      {options.map(([option, title]) => (
        <option key={option} value={option}>
          {title}
        </option>
      ))}
    </select>
  </label>
);

interface CheckboxProps {
  readonly label: ComponentChildren;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

export const Checkbox = ({ label, checked, onChange }: CheckboxProps) => (
  <label>
    <input type="checkbox" checked={checked} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />{' '}
    {label}
  </label>
);

/** Copies `text`; `label` names it for screen readers. Absent where the page may not use the clipboard (plain HTTP). */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [result, setResult] = useState<string | null>(null);
  useEffect(() => {
    if (result === null) return;
    const timer = setTimeout(() => setResult(null), 2000);
    return () => clearTimeout(timer);
  }, [result]);
  // Reports are rendered without a browser.
  if (typeof isSecureContext === 'undefined' || !isSecureContext) return null;
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setResult('Copied'),
      () => setResult('Not allowed'),
    );
  return (
    <button type="button" aria-label={`Copy ${label}`} onClick={() => void copy()}>
      <span aria-live="polite">{result ?? 'Copy'}</span>
    </button>
  );
}
