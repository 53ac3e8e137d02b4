import { useEffect, useRef, useState } from 'preact/hooks';
import type { Address, Answers, Query, RunsAnswer } from '../../reports/page/api.js';
import { addressOf, get, isFinal, listen, problemText, sleep, type Parameters } from './connection.js';

interface ApiRequest<A extends Address> {
  readonly address: A;
  readonly parameters: Parameters<A>;
  readonly query?: Query<A>;
}

export interface Loaded<T> {
  /** The latest answer; null before the first one. */
  readonly answer: T | null;
  /** Why there is no answer, or no newer one. */
  readonly problem: string | null;
}

/** Seconds until an answer is refreshed; null: never. */
type RefreshAfter<A extends Address> = (answer: Answers[A]) => number | null;

/** Seconds until a failed request is repeated. */
const retryAfter = 5;

/** Sends a request, and repeats it as `refreshAfter` says until the signal aborts. */
async function poll<A extends Address>(
  request: ApiRequest<A>,
  refreshAfter: RefreshAfter<A>,
  signal: AbortSignal,
  update: (change: Partial<Loaded<Answers[A]>>) => void,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    let seconds: number | null;
    try {
      const answer = await get(request.address, request.parameters, request.query, signal);
      update({ answer, problem: null });
      seconds = refreshAfter(answer);
    } catch (error) {
      if (isOver()) return;
      update({ problem: problemText(error) });
      seconds = isFinal(error) ? null : retryAfter;
    }
    if (seconds === null) return;
    await sleep(1000 * seconds, signal);
  }
}

const nothing: Loaded<never> = { answer: null, problem: null };

/**
 * The answers to several requests. All are sent again when the requests or `version` change; requests that stay keep
 * their answer meanwhile.
 */
export function useAnswers<A extends Address>(
  requests: readonly ApiRequest<A>[],
  refreshAfter: RefreshAfter<A> = () => null,
  version = '',
): readonly Loaded<Answers[A]>[] {
  const urls = requests.map(({ address, parameters, query }) => addressOf(address, parameters, query));
  const [loaded, setLoaded] = useState<ReadonlyMap<string, Loaded<Answers[A]>>>(new Map());
  const latest = useRef(refreshAfter);
  latest.current = refreshAfter;
  useEffect(() => {
    const ended = new AbortController();
    setLoaded((before) => new Map([...before].filter(([url]) => urls.includes(url))));
    for (const [i, request] of requests.entries())
      void poll(
        request,
        (answer) => latest.current(answer),
        ended.signal,
        (change) =>
          setLoaded((before) => new Map(before).set(urls[i], { ...(before.get(urls[i]) ?? nothing), ...change })),
      );
    return () => ended.abort();
  }, [urls.join('\n'), version]);
  return urls.map((url) => loaded.get(url) ?? nothing);
}

/** The answer to one request; null sends none. */
export function useAnswer<A extends Address>(
  request: ApiRequest<A> | null,
  refreshAfter?: RefreshAfter<A>,
  version?: string,
): Loaded<Answers[A]> {
  const [loaded = nothing] = useAnswers(request === null ? [] : [request], refreshAfter, version);
  return loaded;
}

export function useRuns(): Loaded<RunsAnswer> {
  const [answer, setAnswer] = useState<RunsAnswer | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(
    () =>
      listen('/api/live', {}, () => ({}), {
        runs: setAnswer,
        opened: () => setProblem(null),
        lost: (error) => setProblem(problemText(error)),
      }),
    [],
  );
  return { answer, problem };
}
