import { useLocation } from 'preact-iso';

type Change = Readonly<Record<string, string | null>>;

/** What stands behind the question mark of the address, and how it is changed: null leaves a name out. */
export function useQuery(): readonly [
  query: Readonly<Partial<Record<string, string>>>,
  change: (names: Change) => void,
] {
  const { query, path, route } = useLocation();
  const change = (names: Change): void => {
    // Of the address as it is by now: several things may be changed before the page is drawn again.
    const next = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(names)) {
      if (value === null) next.delete(name);
      else next.set(name, value);
    }
    const text = next.toString();
    route(text === '' ? path : `${path}?${text}`, true);
  };
  return [query, change];
}
