import { useMemo, useState } from 'preact/hooks';
import type { Field, Known } from '../../data/fields.js';
import { useQuery } from '../../data/hooks.js';
import { sortFrom, sortText, type SortKey } from '../../data/sorted.js';
import { defaultColumns } from './columns.js';

/** The sorting and the columns of the list of trials, as in the address. */
interface TrialsView {
  readonly sort: readonly SortKey[];
  /** Names of the columns; null: the default ones, as the user last switched them. */
  readonly columns: readonly string[] | null;
}

export function useView(): readonly [view: TrialsView, change: (part: Partial<TrialsView>) => void] {
  const [{ sort = '', columns }, change] = useQuery();
  const view = useMemo((): TrialsView => {
    const names = columns === undefined ? null : sortFrom(columns);
    return {
      sort: sortFrom(sort),
      columns: names && names.map(({ name, descending }) => (descending ? `-${name}` : name)),
    };
  }, [sort, columns]);
  const write = (part: Partial<TrialsView>): void => {
    const next = { ...view, ...part };
    change({
      sort: sortText(next.sort) || null,
      columns: next.columns && sortText(next.columns.map((name) => ({ name, descending: false }))),
    });
  };
  return [view, write];
}

/** The key of the local storage that keeps the switched columns, for all runs. */
const storage = 'nas-trial-columns';

type Switched = Readonly<Record<string, boolean>>;

function storedColumns(): Switched {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storage) ?? '{}');
    if (typeof kept !== 'object' || kept === null) return {};
    return Object.fromEntries(
      Object.entries(kept).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean'),
    );
  } catch {
    return {};
  }
}

/** The shown columns: those of the address, else the default ones as the user last switched them. */
export function useColumns(
  known: Known,
  fields: readonly Field[],
  chosen: readonly string[] | null,
  choose: (columns: readonly string[] | null) => void,
) {
  const [switched, setSwitched] = useState(storedColumns);
  const usual = useMemo(() => defaultColumns(known, fields), [known, fields]);
  const shown = useMemo(() => {
    const names = new Set(chosen ?? usual);
    if (chosen === null)
      for (const [name, on] of Object.entries(switched))
        if (on) names.add(name);
        else names.delete(name);
    return fields.filter(({ name }) => name === 'number' || names.has(name));
  }, [fields, usual, switched, chosen]);
  const change = (next: Switched, columns: readonly string[] | null): void => {
    setSwitched(next);
    localStorage.setItem(storage, JSON.stringify(next));
    choose(columns);
  };
  return {
    shown,
    toggle: (names: readonly string[], on: boolean): void => {
      const others = shown.map(({ name }) => name).filter((name) => !names.includes(name));
      const next = { ...switched, ...Object.fromEntries(names.map((name) => [name, on])) };
      change(next, on ? [...others, ...names] : others);
    },
    reset: () => change({}, null),
  };
}
