import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Candidates } from '../../data/candidates.js';
import type { Field } from '../../data/fields.js';
import { sorted, type SortKey } from '../../data/sorted.js';
import type { Texts } from '../../data/texts.js';
import { compileFilter, type Filter } from '../../filter/compile.js';
import { FilterProblem } from '../../filter/tokens.js';

export const chosenRows = ({ chosen, number }: Candidates): readonly number[] =>
  chosen.flatMap((is, row) => (is ? [row] : [])).sort((a, b) => number[a] - number[b]);

/** Whether a field is a text that is fetched when it is needed. */
export const isText = (name: string): boolean => name === 'reason' || name === 'message';

interface FilterState {
  /** The last valid filter. */
  readonly filter: Filter | null;
  /** The error in the current expression. */
  readonly problem: FilterProblem | null;
}

/** Compiles a filter. An invalid expression keeps the last valid one. */
export function useFilter(text: string, fields: readonly Field[]): FilterState {
  const last = useRef('');
  return useMemo(() => {
    const compile = (expression: string): FilterState => {
      try {
        return { filter: compileFilter(expression, fields), problem: null };
      } catch (error) {
        if (!(error instanceof FilterProblem)) throw error;
        return { filter: null, problem: error };
      }
    };
    const current = compile(text);
    if (current.problem !== null) return { ...compile(last.current), problem: current.problem };
    last.current = text;
    return current;
  }, [text, fields]);
}

/** Fetches all texts while they are needed. @returns the progress as text; null when all are loaded. */
export function useAllTexts(texts: Texts, needed: boolean, numbers: () => readonly number[], version: number) {
  const [status, setStatus] = useState<string | null>(null);
  const running = useRef(false);
  useEffect(() => {
    if (!needed || running.current) return;
    running.current = true;
    const all = numbers();
    const total = all.length.toLocaleString('en-US');
    texts
      .all(all, (done) => setStatus(`Loading reasons and messages: ${done.toLocaleString('en-US')} of ${total}`))
      .then(
        () => setStatus(null),
        () => setStatus('Reasons and messages cannot be loaded: the server cannot be reached.'),
      )
      .finally(() => (running.current = false));
  }, [texts, needed, version]);
  return needed ? status : null;
}

/** Rows that scroll past faster than this are not fetched, ms. */
const pause = 80;

/** Fetches the texts of drawn rows while they are shown. @returns a function that gets the drawn rows and renders nothing. */
export function useSeenTexts(
  texts: Texts,
  shown: boolean,
  { number }: Candidates,
  version: number,
): (rows: readonly number[]) => void {
  const rows = useRef<readonly number[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const fetchSoon = (): void => {
    clearTimeout(timer.current);
    if (shown) timer.current = setTimeout(() => texts.want(rows.current.map((row) => number[row])), pause);
  };
  useEffect(fetchSoon, [texts, shown, version]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (drawn) => {
    rows.current = drawn;
    fetchSoon();
  };
}

/** Sorts and filters rows. New texts repeat only what reads them. */
export function useListed(
  rows: readonly number[],
  sort: readonly SortKey[],
  fields: readonly Field[],
  filter: Filter | null,
  textsVersion: number,
): readonly number[] {
  const forSort = sort.some(({ name }) => isText(name)) ? textsVersion : 0;
  const forFilter = filter !== null && [...filter.reads].some(isText) ? textsVersion : 0;
  const inOrder = useMemo(() => sorted(rows, sort, fields), [rows, sort, fields, forSort]);
  return useMemo(() => (filter === null ? inOrder : inOrder.filter(filter.test)), [inOrder, filter, forFilter]);
}
