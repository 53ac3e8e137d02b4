import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { mostCompared, moved } from '../../data/addresses.js';

interface ChosenProps<T> {
  readonly items: readonly T[];
  readonly nameOf: (item: T) => string;
  readonly linkOf: (item: T) => string;
  readonly onChange: (items: readonly T[]) => void;
}

export function Chosen<T extends string | number>({ items, nameOf, linkOf, onChange }: ChosenProps<T>) {
  return (
    <ol class="chosen" aria-label="Compared, from left to right">
      {items.map((item, i) => {
        const name = nameOf(item);
        const button = (label: string, sign: string, next: readonly T[]) => (
          <button type="button" aria-label={label} disabled={next === items} onClick={() => onChange(next)}>
            {sign}
          </button>
        );
        return (
          <li key={item}>
            <a href={linkOf(item)}>{name}</a>
            {button(`Move ${name} to the left`, '←', moved(items, i, -1))}
            {button(`Move ${name} to the right`, '→', moved(items, i, 1))}
            {button(
              `Remove ${name}`,
              '✕',
              items.filter((other) => other !== item),
            )}
          </li>
        );
      })}
    </ol>
  );
}

export interface Suggestion {
  readonly value: string;
  readonly label: string;
  readonly text: string;
}

interface AddFieldProps {
  readonly label: string;
  readonly hint: ComponentChildren;
  readonly full: boolean;
  readonly suggestions: readonly Suggestion[];
  /** @returns why the text cannot be added, or null. */
  readonly add: (text: string) => string | null;
}

export function AddField({ label, hint, full, suggestions, add }: AddFieldProps) {
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
        {suggestions.map((each) => (
          <option key={each.value} value={each.value}>
            {each.label}: {each.text}
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

interface OfferProps {
  readonly label: string;
  readonly suggestions: readonly Suggestion[];
  readonly add: (value: string) => void;
}

export function Offer({ label, suggestions, add }: OfferProps) {
  return (
    <ul class="compare-offer" aria-label={label}>
      {suggestions.map((each) => (
        <li key={each.value}>
          <button type="button" aria-label={`Add ${each.label}`} onClick={() => add(each.value)}>
            + {each.label}
          </button>{' '}
          {each.text}
        </li>
      ))}
    </ul>
  );
}
