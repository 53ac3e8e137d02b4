import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { AddressFiltered } from './filtered.js';
import { useQuery, useRun } from '../data/hooks.js';
import { trialsAddress, withQuery } from '../data/addresses.js';
import { valuesOf } from '../data/fields.js';
import { FilterField } from './filter-field.js';

interface AddressFilterProps {
  readonly filtered: AddressFiltered;
  /** What the filter applies to; absent where its trials are listed anyway. */
  readonly children?: ComponentChildren;
}

/** The filter in the address (`?filter=`) as a field. Typing changes the address with a delay, leaving the field at once. */
export function AddressFilter({ filtered: { fields, all, problem, loading }, children }: AddressFilterProps) {
  const { live } = useRun();
  const [{ filter = '' }, change] = useQuery();
  const [text, setText] = useState(filter);
  const inAddress = useRef(filter);
  useEffect(() => {
    if (filter === inAddress.current) return;
    inAddress.current = filter;
    setText(filter);
  }, [filter]);
  const write = (): void => {
    if (text === inAddress.current) return;
    inAddress.current = text;
    change({ filter: text.trim() === '' ? null : text });
  };
  useEffect(() => {
    const timer = setTimeout(write, 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <>
      <FilterField
        value={text}
        fields={fields}
        valuesOf={(field) => valuesOf(field, all)}
        problem={text === filter ? problem : null}
        onInput={setText}
        onLeave={write}
      />
      {children !== undefined && (
        <p class="note">
          {children}{' '}
          <a href={withQuery(trialsAddress(live.id), { filter: filter || undefined })}>These trials as a table</a>
          {loading !== null && <span role="status"> {loading}</span>}
        </p>
      )}
    </>
  );
}
