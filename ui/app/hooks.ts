import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { RunAnswer } from '../../experiments/page/api.js';
import type { LiveRun } from '../data/live-run.js';
import { useLocation } from 'preact-iso';
import type { ReadonlySignal } from '@preact/signals';

/** The run that the pages beneath are about; its `info` is there before they are. */
export const CurrentRun = createContext<LiveRun | null>(null);

/** The run that a page is about. @throws Error outside a run's pages. */
export function useRun(): { readonly live: LiveRun; readonly info: RunAnswer } {
  const live = useContext(CurrentRun);
  const info = live?.info.value;
  if (live === null || info === null || info === undefined) throw new Error('there is no run around this page');
  return { live, info };
}

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

/** Now, in ms since 1970; what shows it is drawn again every second. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/**
 * A signal's value, read anew at most every so many ms: what draws much draws seldom, however often it changes. The last
 * change is always seen.
 */
export function useSeldom<T>(signal: ReadonlySignal<T>, ms: number): T {
  const [value, setValue] = useState<T>(() => signal.peek());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = -Infinity;
    let seen = value;
    const read = (): void => {
      timer = undefined;
      // Being told of what is shown already delays nothing: what comes next is shown at once.
      if (Object.is(signal.peek(), seen)) return;
      last = performance.now();
      seen = signal.peek();
      setValue(() => seen);
    };
    const end = signal.subscribe(() => {
      const wait = last + ms - performance.now();
      if (wait <= 0) read();
      else timer ??= setTimeout(read, wait);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [signal, ms]);
  return value;
}
