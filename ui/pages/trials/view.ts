import { useLocation } from 'preact-iso';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { sortFrom, sortText, type SortKey } from '../../data/sorted.js';

/** What of the trials is looked at, and how; what addresses hold of it. */
export interface TrialsView {
  readonly filter: string;
  readonly sort: readonly SortKey[];
  /** Names of the columns; null: the usual ones, as they were last chosen. */
  readonly columns: readonly string[] | null;
}

const list = (text: string | null): readonly string[] | null =>
  text === null ? null : sortFrom(text).map(({ name, descending }) => (descending ? `-${name}` : name));

/** Reads a view from what stands behind an address's question mark. */
export function viewFrom(search: string): TrialsView {
  const query = new URLSearchParams(search);
  return {
    filter: query.get('filter') ?? '',
    sort: sortFrom(query.get('sort') ?? ''),
    columns: list(query.get('columns')),
  };
}

/** What stands behind the question mark, with it; empty for the usual view. */
export function searchOf({ filter, sort, columns }: TrialsView): string {
  const query = new URLSearchParams();
  if (filter.trim() !== '') query.set('filter', filter);
  if (sort.length > 0) query.set('sort', sortText(sort));
  if (columns !== null) query.set('columns', sortText(columns.map((name) => ({ name, descending: false }))));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

const storage = 'nas-trial-columns';

/** What was last switched on or off, by name: it holds for other runs, too, where they have such a column. */
export type Switched = Readonly<Record<string, boolean>>;

export function rememberedColumns(): Switched {
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

export const rememberColumns = (switched: Switched): void => localStorage.setItem(storage, JSON.stringify(switched));

/**
 * The view, kept in the address: written there a little later, so that typing stays quick and the history short, and read
 * again when the address becomes another one, as by the tab or the browser's buttons.
 */
export function useView(): readonly [view: TrialsView, change: (part: Partial<TrialsView>) => void] {
  const { url, path, route } = useLocation();
  // While another page is loaded this one still stands, and the address is no longer its own.
  const [own] = useState(path);
  const [view, setView] = useState(() => viewFrom(location.search));
  const inAddress = useRef({ search: location.search, view });
  useEffect(() => {
    const { search } = location;
    if (path !== own || search === inAddress.current.search) return;
    inAddress.current = { search, view: viewFrom(search) };
    setView(inAddress.current.view);
  }, [url]);
  useEffect(() => {
    if (view === inAddress.current.view) return;
    const { pathname } = location;
    const timer = setTimeout(() => {
      // A page that was left in the meantime keeps its own address.
      if (location.pathname !== pathname) return;
      const search = searchOf(view);
      inAddress.current = { search, view };
      route(`${pathname}${search}`, true);
    }, 250);
    return () => clearTimeout(timer);
  }, [view]);
  return [view, useCallback((part: Partial<TrialsView>) => setView((now) => ({ ...now, ...part })), [])];
}
