import { useEffect, useRef, useState } from 'preact/hooks';
import type { Address, Answers, Queries, RunsAnswer } from '../../experiments/page/api.js';
import { addressOf, get, isFinal, listen, type Parameters, problemText } from './connection.js';

/** A question to the server. */
interface Question<A extends Address> {
  readonly address: A;
  readonly parameters: Parameters<A>;
  readonly query?: Queries[A];
}

/** What a page has asked the server. */
export interface Asked<T> {
  /** Null until it is there; the latest, when it is asked for again. */
  readonly answer: T | null;
  /** Why there is none, or none that is newer. */
  readonly problem: string | null;
}

/** Seconds after which the same is asked again; null: never. */
type Again<A extends Address> = (answer: Answers[A]) => number | null;

/** Seconds after which the server is asked again when it could not be reached, or not answer at that moment. */
const patience = 5;

const urlOf = <A extends Address>({ address, parameters, query }: Question<A>): string =>
  addressOf(address, parameters, query);

/** Asks until there is nothing more to ask. @returns what ends it. */
function keepAsking<A extends Address>(
  { address, parameters, query }: Question<A>,
  again: Again<A>,
  take: (news: Partial<Asked<Answers[A]>>) => void,
): () => void {
  const ended = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = async (): Promise<void> => {
    let after: number | null;
    try {
      const answer = await get(address, parameters, query, ended.signal);
      take({ answer, problem: null });
      after = again(answer);
    } catch (error) {
      if (ended.signal.aborted) return;
      take({ problem: problemText(error) });
      after = isFinal(error) ? null : patience;
    }
    if (after !== null && !ended.signal.aborted) timer = setTimeout(() => void ask(), 1000 * after);
  };
  void ask();
  return () => {
    ended.abort();
    clearTimeout(timer);
  };
}

const nothing: Asked<never> = { answer: null, problem: null };

/**
 * Asks the server several questions of one kind, and each again as `again` says, or when `moment` is another one: how the
 * runs stand that they are about, null while that is not known. A question that is still asked among others keeps its
 * answer.
 */
export function useAnswers<A extends Address>(
  questions: readonly Question<A>[],
  again: Again<A> = () => null,
  moment: string | null = null,
): readonly Asked<Answers[A]>[] {
  const urls = questions.map(urlOf);
  const [known, setKnown] = useState<ReadonlyMap<string, Asked<Answers[A]>>>(new Map());
  const going = useRef(new Map<string, () => void>());
  const latest = useRef(again);
  latest.current = again;
  const last = useRef(moment);
  useEffect(() => {
    const moved = moment !== null && last.current !== null && moment !== last.current;
    last.current = moment ?? last.current;
    for (const [url, end] of going.current)
      if (moved || !urls.includes(url)) {
        end();
        going.current.delete(url);
      }
    setKnown((before) =>
      [...before.keys()].every((url) => urls.includes(url))
        ? before
        : new Map([...before].filter(([url]) => urls.includes(url))),
    );
    for (const [i, url] of urls.entries()) {
      if (going.current.has(url)) continue;
      const take = (news: Partial<Asked<Answers[A]>>) =>
        setKnown((before) => new Map(before).set(url, { ...(before.get(url) ?? nothing), ...news }));
      going.current.set(
        url,
        keepAsking(questions[i], (answer) => latest.current(answer), take),
      );
    }
  }, [urls.join('\n'), moment]);
  useEffect(
    () => () => {
      for (const end of going.current.values()) end();
      going.current.clear();
    },
    [],
  );
  return urls.map((url) => known.get(url) ?? nothing);
}

/** Asks the server one question, again as `useAnswers` does, and another one when it changes. Null: nothing is asked. */
export function useAnswer<A extends Address>(
  question: Question<A> | null,
  again?: Again<A>,
  moment?: string | null,
): Asked<Answers[A]> {
  const [asked = nothing] = useAnswers(question === null ? [] : [question], again, moment);
  return asked;
}

/** All runs of the folder as they stand; null until they are known. `problem`: why they may no longer be up to date. */
export function useRuns(): { readonly answer: RunsAnswer | null; readonly problem: string | null } {
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
