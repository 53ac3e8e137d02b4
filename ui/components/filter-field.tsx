import { useId, useRef, useState } from 'preact/hooks';
import type { Cell, Field } from '../data/fields.js';
import { completionAt, type Completion } from '../filter/complete.js';
import type { FilterProblem } from '../filter/tokens.js';

interface FilterFieldProps {
  readonly value: string;
  readonly fields: readonly Field[];
  readonly valuesOf: (field: Field) => readonly Cell[];
  readonly problem: FilterProblem | null;
  readonly onInput: (value: string) => void;
  /** The field has lost the focus. */
  readonly onLeave: () => void;
}

/** The options at the caret, and the index of the chosen one; -1: none. */
interface Options extends Completion {
  readonly chosen: number;
}

/** A filter expression with completion of names and values (ARIA combobox pattern). */
export function FilterField({ value, fields, valuesOf, problem, onInput, onLeave }: FilterFieldProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [offer, setOffer] = useState<Options | null>(null);

  const suggest = (): void => {
    const { current } = input;
    const caret = current?.selectionStart ?? null;
    const found = current === null || caret === null ? null : completionAt(current.value, caret, fields, valuesOf);
    setOffer(found === null ? null : { ...found, chosen: -1 });
  };

  const take = ({ at, end }: Completion, text: string): void => {
    const rest = value.slice(end);
    const written = rest.startsWith(' ') ? text : `${text} `;
    onInput(value.slice(0, at) + written + rest);
    setOffer(null);
    requestAnimationFrame(() => {
      const caret = at + text.length + 1;
      input.current?.focus();
      input.current?.setSelectionRange(caret, caret);
      suggest();
    });
  };

  const press = (event: KeyboardEvent): void => {
    if (offer === null) {
      if (event.key === 'ArrowDown') suggest();
      return;
    }
    const { length } = offer.options;
    const steps: Readonly<Partial<Record<string, number>>> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      // Cycles through the options and "none".
      setOffer({ ...offer, chosen: ((offer.chosen + 1 + step + length + 1) % (length + 1)) - 1 });
    } else if (event.key === 'Enter' && offer.chosen >= 0) {
      event.preventDefault();
      take(offer, offer.options[offer.chosen].text);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      setOffer(null);
    }
  };

  const chosen = offer === null || offer.chosen < 0 ? undefined : `${id}-${offer.chosen}`;
  return (
    <div class="filter">
      <label for={`${id}-input`}>Filter</label>
      <div class="filter-line">
        <input
          ref={input}
          id={`${id}-input`}
          type="text"
          role="combobox"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder="accuracy > 87 % or frontier"
          value={value}
          aria-autocomplete="list"
          aria-expanded={offer !== null}
          aria-controls={`${id}-list`}
          aria-activedescendant={chosen}
          aria-invalid={problem !== null}
          aria-describedby={`${id}-problem`}
          onInput={({ currentTarget }) => {
            onInput(currentTarget.value);
            suggest();
          }}
          onKeyDown={press}
          onBlur={() => {
            setOffer(null);
            onLeave();
          }}
        />
        <ul id={`${id}-list`} role="listbox" aria-label="Names and values" class="offer" hidden={offer === null}>
          {offer?.options.map(({ text, note }, i) => (
            <li
              key={text}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === offer.chosen}
              // Keeps the focus in the field.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(offer, text)}
            >
              <b>{text}</b> {note !== text && <span>{note}</span>}
            </li>
          ))}
        </ul>
      </div>
      <p id={`${id}-problem`} class="filter-problem" aria-live="polite">
        {problem !== null && <Problem text={value} problem={problem} />}
      </p>
    </div>
  );
}

function Problem({ text, problem }: { readonly text: string; readonly problem: FilterProblem }) {
  const { message, hint, span } = problem;
  const marked = text.slice(span.at, span.end);
  return (
    <>
      <code>
        {text.slice(Math.max(0, span.at - 24), span.at)}
        <mark>{marked === '' ? ' ' : marked}</mark>
        {text.slice(span.end, span.end + 24)}
      </code>{' '}
      {message}. {hint}
    </>
  );
}

const examples: readonly (readonly [expression: string, meaning: string])[] = [
  ['accuracy > 0.87 and latency_ms < 0.05', 'both conditions; 87 % is 0.87'],
  ['state = complete or state = running', 'at least one condition'],
  ['block3.kernel in (3, 5)', 'one of several values; also: not in'],
  ['frontier and not enqueued', 'a name alone: its value is known and not "no"'],
  ['accuracy = none', 'an unknown value; it fails all other comparisons'],
  ['reason ~ "mutation of"', '~ contains a text, !~ does not; case does not matter'],
  ['latency_ms.from = measured', 'the source of a value: measured or predicted'],
  ['not (precision = int8 and number >= 100)', 'negation of a group'],
];

export function FilterHelp({ onTry }: { readonly onTry: (expression: string) => void }) {
  return (
    <details class="filter-help">
      <summary>Filter syntax</summary>
      <p>
        Compare names of columns (<code>= != &lt; &lt;= &gt; &gt;= ~ !~ in</code>) with numbers, words or “texts”, and
        join comparisons by <code>and</code>, <code>or</code>, <code>not</code>; <code>and</code> binds more tightly.
        The arrow down key in the field lists the options.
      </p>
      <dl>
        {examples.map(([expression, meaning]) => (
          <div key={expression}>
            <dt>
              <button type="button" onClick={() => onTry(expression)}>
                {expression}
              </button>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
