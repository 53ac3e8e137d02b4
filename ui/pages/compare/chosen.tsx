import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { mostCompared, moved } from '../../data/addresses.js';

/** What is compared: each can be moved or removed. */
export function Chosen<T extends string | number>({
  items,
  nameOf,
  linkOf,
  onChange,
}: {
  readonly items: readonly T[];
  readonly nameOf: (item: T) => string;
  readonly linkOf: (item: T) => string;
  readonly onChange: (items: readonly T[]) => void;
}) {
  return (
    <ol class="chosen" aria-label="Compared, from left to right">
      {items.map((item, i) => (
        <li key={item}>
          <a href={linkOf(item)}>{nameOf(item)}</a>
          <button
            type="button"
            aria-label={`Move ${nameOf(item)} to the left`}
            disabled={i === 0}
            onClick={() => onChange(moved(items, i, -1))}
          >
            ←
          </button>
          <button
            type="button"
            aria-label={`Move ${nameOf(item)} to the right`}
            disabled={i === items.length - 1}
            onClick={() => onChange(moved(items, i, 1))}
          >
            →
          </button>
          <button
            type="button"
            aria-label={`Remove ${nameOf(item)}`}
            onClick={() => onChange(items.filter((other) => other !== item))}
          >
            ✕
          </button>
        </li>
      ))}
    </ol>
  );
}

/** A field in which something to compare is named, with what can be chosen below it. */
export function AddField({
  label,
  hint,
  full,
  suggestions,
  add,
}: {
  readonly label: string;
  readonly hint: ComponentChildren;
  /** Whether as many are compared as can be. */
  readonly full: boolean;
  readonly suggestions: readonly { readonly value: string; readonly text: string }[];
  /** @returns why it cannot be added; null: it was. */
  readonly add: (text: string) => string | null;
}) {
  const id = useId();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <form
      class="add-field"
      onSubmit={(event) => {
        event.preventDefault();
        const refused = add(text.trim());
        setProblem(refused);
        if (refused === null) setText('');
      }}
    >
      <label for={id}>{label}</label>
      <input
        id={id}
        list={`${id}-list`}
        value={text}
        disabled={full}
        autocomplete="off"
        aria-describedby={`${id}-hint`}
        aria-invalid={problem !== null}
        onInput={({ currentTarget: { value } }) => setText(value)}
      />
      <datalist id={`${id}-list`}>
        {suggestions.map(({ value, text: said }) => (
          <option key={value} value={value}>
            {said}
          </option>
        ))}
      </datalist>
      <button type="submit" disabled={full || text.trim() === ''}>
        Add
      </button>
      <span id={`${id}-hint`} class="quiet" role={problem === null ? undefined : 'alert'}>
        {problem ?? (full ? `${mostCompared} at most: remove one to add another.` : hint)}
      </span>
    </form>
  );
}
