import { useLocation } from 'preact-iso';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Field, Known } from '../../data/fields.js';
import { sortFrom, sortText, type SortKey } from '../../data/sorted.js';
import { defaultColumns } from './columns.js';

/** The filter, sorting and columns of the list of trials, as stored in the address. */
export interface TrialsView {
  readonly filter: string;
  readonly sort: readonly SortKey[];
  /** Names of the columns; null: the default ones, as the user last switched them. */
  readonly columns: readonly string[] | null;
}

function viewFrom(search: string): TrialsView {
  const query = new URLSearchParams(search);
  const columns = query.get('columns');
  return {
    filter: query.get('filter') ?? '',
    sort: sortFrom(query.get('sort') ?? ''),
    columns:
      columns === null ? null : sortFrom(columns).map(({ name, descending }) => (descending ? `-${name}` : name)),
  };
}

/** The query of a view with its question mark; empty for the default view. */
function searchOf({ filter, sort, columns }: TrialsView): string {
  const query = new URLSearchParams();
  if (filter.trim() !== '') query.set('filter', filter);
  if (sort.length > 0) query.set('sort', sortText(sort));
  if (columns !== null) query.set('columns', sortText(columns.map((name) => ({ name, descending: false }))));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/**
 * The view in the address. Changes are written with a delay, to keep typing fast and the history short, or by `write`. The
 * view is read again when the address changes otherwise, by a link or the browser's buttons.
 */
export function useView(): readonly [view: TrialsView, change: (part: Partial<TrialsView>) => void, write: () => void] {
  const { url, path, route } = useLocation();
  // While the next page is loaded, this one is still shown, but the address is no longer its own.
  const [own] = useState(path);
  const [view, setView] = useState(() => viewFrom(location.search));
  const inAddress = useRef({ search: location.search, view });
  useEffect(() => {
    const { search } = location;
    if (path !== own || search === inAddress.current.search) return;
    inAddress.current = { search, view: viewFrom(search) };
    setView(inAddress.current.view);
  }, [url]);
  const write = (): void => {
    // Another page may have been opened meanwhile.
    if (view === inAddress.current.view || location.pathname !== own) return;
    const search = searchOf(view);
    inAddress.current = { search, view };
    route(`${own}${search}`, true);
  };
  useEffect(() => {
    const timer = setTimeout(write, 250);
    return () => clearTimeout(timer);
  }, [view]);
  return [view, useCallback((part: Partial<TrialsView>) => setView((now) => ({ ...now, ...part })), []), write];
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
