import { useEffect, useRef, useState } from 'preact/hooks';
import { useQuery } from '../app/hooks.js';
import { valuesOf, type Field } from '../data/fields.js';
import type { FilterProblem } from '../filter/tokens.js';
import { FilterField } from './filter-field.js';

interface AddressFilterProps {
  readonly fields: readonly Field[];
  /** The rows whose values are offered. */
  readonly rows: readonly number[];
  /** The error in the expression of the address. */
  readonly problem: FilterProblem | null;
}

/** The filter in the address (`?filter=`) as a field. Typing changes the address with a delay. */
export function AddressFilter({ fields, rows, problem }: AddressFilterProps) {
  const [{ filter = '' }, change] = useQuery();
  const [text, setText] = useState(filter);
  const inAddress = useRef(filter);
  useEffect(() => {
    if (filter === inAddress.current) return;
    inAddress.current = filter;
    setText(filter);
  }, [filter]);
  useEffect(() => {
    if (text === inAddress.current) return;
    const timer = setTimeout(() => {
      inAddress.current = text;
      change({ filter: text.trim() === '' ? null : text });
    }, 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <FilterField
      value={text}
      fields={fields}
      valuesOf={(field) => valuesOf(field, rows)}
      problem={text === filter ? problem : null}
      onInput={setText}
    />
  );
}
