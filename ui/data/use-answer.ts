import { useEffect, useState } from 'preact/hooks';
import type { Address, Answers, Queries } from '../../experiments/page/api.js';
import { addressOf, get, type Parameters } from './connection.js';

/** What a page has asked the server. */
export interface Asked<T> {
  /** Null until it is there; the latest, when it is asked for again. */
  readonly answer: T | null;
  /** Why there is none, or none that is newer. */
  readonly problem: string | null;
}

const nothing: Asked<never> = { answer: null, problem: null };

/** Seconds after which the server is asked again when it could not be reached. */
const patience = 5;

/**
 * Asks the server, and again when the question changes.
 *
 * @param question Null: nothing is asked.
 * @param again Seconds after which the same is asked again; null, or without it: never.
 */
export function useAnswer<A extends Address>(
  question: { readonly address: A; readonly parameters: Parameters<A>; readonly query?: Queries[A] } | null,
  again: (answer: Answers[A]) => number | null = () => null,
): Asked<Answers[A]> {
  const url = question === null ? null : addressOf(question.address, question.parameters, question.query);
  const [asked, setAsked] = useState<{ readonly url: string | null } & Asked<Answers[A]>>({ url: null, ...nothing });
  useEffect(() => {
    if (question === null) return;
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      let after: number | null;
      try {
        const answer = await get(question.address, question.parameters, question.query, ended.signal);
        setAsked({ url, answer, problem: null });
        after = again(answer);
      } catch (error) {
        if (ended.signal.aborted) return;
        const unreachable = error instanceof TypeError;
        const problem = unreachable ? 'The server cannot be reached; trying again.' : (error as Error).message;
        setAsked((before) => ({ url, answer: before.url === url ? before.answer : null, problem }));
        after = unreachable ? patience : null;
      }
      if (after !== null && !ended.signal.aborted) timer = setTimeout(() => void ask(), 1000 * after);
    };
    void ask();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [url]);
  return asked.url === url ? asked : nothing;
}
