import type { ReadonlySignal } from '@preact/signals';
import { createContext } from 'preact';
import { useLocation } from 'preact-iso';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Address, Answers, CandidateKey, RunAnswer } from '../../reports/page/api.js';
import { trialAddress, withQuery } from './addresses.js';
import type { Parameters } from './connection.js';
import type { LiveRun } from './live-run.js';
import { type Loaded, useAnswer } from './use-answer.js';

/** The run whose pages are shown, once its `info` is loaded. */
export const CurrentRun = createContext<LiveRun | null>(null);

/** The run of this page. @throws Error outside the pages of a run. */
export function useRun(): { readonly live: LiveRun; readonly info: RunAnswer } {
  const live = useContext(CurrentRun);
  const info = live?.info.value;
  if (live === null || info === null || info === undefined) throw new Error('there is no run around this page');
  return { live, info };
}

/** Addresses of answers about a run. */
type RunAddress = { [A in Address]: Parameters<A> extends Record<'run', unknown> ? A : never }[Address] &
  `/api/runs/:run/${string}`;

/** An answer about this run, asked for again after so many seconds while the run goes on; null waits. */
export function useRunAnswer<A extends RunAddress>(address: A | null, seconds: number): Loaded<Answers[A]> {
  const { live, info } = useRun();
  const { status } = info.run;
  const request = address === null ? null : { address, parameters: { run: live.id } as Parameters<A> };
  return useAnswer(request, () => (status === 'running' ? seconds : null), status);
}

/** Returns a function that opens the trial of a chart's mark, whose key is a `CandidateKey`. */
export function useOpenTrial(): (key: unknown) => void {
  const { live } = useRun();
  const { route } = useLocation();
  return (key) => route(trialAddress(live.id, (key as CandidateKey).number));
}

/** The query of the address, and a function that changes it; null removes a name. */
export function useQuery(): readonly [
  query: Readonly<Partial<Record<string, string>>>,
  change: (names: Readonly<Record<string, string | null>>) => void,
] {
  const { query, path, route } = useLocation();
  return [
    query,
    (names) => {
      // Starts from the current address: `query` is older when several changes come between two renderings.
      const current = Object.fromEntries(new URLSearchParams(location.search));
      const next = Object.entries({ ...current, ...names }).map(([name, value]) => [name, value ?? undefined]);
      route(withQuery(path, Object.fromEntries(next) as Readonly<Record<string, string | undefined>>), true);
    },
  ];
}

/** The current time, in ms since 1970, updated every second. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** A signal's value, updated at most every `ms`, for what is expensive to draw. The last change always arrives. */
export function useThrottled<T>(signal: ReadonlySignal<T>, ms: number): T {
  const [value, setValue] = useState<T>(() => signal.peek());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = -Infinity;
    let seen = value;
    const read = (): void => {
      timer = undefined;
      // An unchanged value must not delay the next change.
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
