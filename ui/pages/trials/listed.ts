import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Candidates } from '../../data/candidates.js';
import type { Field } from '../../data/fields.js';
import { sorted, type SortKey } from '../../data/sorted.js';
import type { Texts } from '../../data/texts.js';
import { compileFilter, type Filter } from '../../filter/compile.js';
import { FilterProblem } from '../../filter/tokens.js';

/** Rows of the candidates that trials are judged in, by number. */
export function judgedRows({ chosen, number }: Candidates): readonly number[] {
  const rows: number[] = [];
  let inOrder = true;
  for (const [row, is] of chosen.entries())
    if (is) {
      inOrder &&= rows.length === 0 || number[rows[rows.length - 1]] <= number[row];
      rows.push(row);
    }
  return inOrder ? rows : rows.sort((a, b) => number[a] - number[b]);
}

export interface Understood {
  /** The last expression that was understood. */
  readonly filter: Filter | null;
  /** What is not understood of the one that is written. */
  readonly problem: FilterProblem | null;
}

/** The filter that is written; while it is not understood, the last that was. */
export function useFilter(text: string, fields: readonly Field[]): Understood {
  const last = useRef<string>('');
  return useMemo(() => {
    try {
      const filter = compileFilter(text, fields);
      last.current = text;
      return { filter, problem: null };
    } catch (error) {
      if (!(error instanceof FilterProblem)) throw error;
      return { filter: compiledAgain(last.current, fields), problem: error };
    }
  }, [text, fields]);
}

function compiledAgain(text: string, fields: readonly Field[]): Filter | null {
  try {
    return compileFilter(text, fields);
  } catch {
    return null;
  }
}

/** Has all texts fetched while something reads them. @returns how far that is, for people; null when all are here. */
export function useAllTexts(texts: Texts, wanted: boolean, numbers: () => readonly number[], version: number) {
  const [state, setState] = useState<string | null>(null);
  const running = useRef(false);
  useEffect(() => {
    if (!wanted || running.current) return;
    running.current = true;
    const all = numbers();
    texts
      .all(all, (done) =>
        setState(
          `Reading reasons and messages: ${done.toLocaleString('en-US')} of ${all.length.toLocaleString('en-US')}`,
        ),
      )
      .then(
        () => setState(null),
        () => setState('Reasons and messages could not be read: the server cannot be reached.'),
      )
      .finally(() => (running.current = false));
  }, [texts, wanted, version]);
  return wanted ? state : null;
}

/** While one scrolls fast, what flies by is not fetched: ms. */
const pause = 80;

/**
 * Has the texts of the rows that are drawn fetched, where they are shown. @returns what is told which rows these are; it
 * draws nothing anew, so that typing and scrolling stay quick.
 */
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

/** Rows in the order that is wished, and of these those that the filter lets through. */
export function useListed(
  judged: readonly number[],
  sort: readonly SortKey[],
  fields: readonly Field[],
  filter: Filter | null,
  texts: number,
): readonly number[] {
  const reads = (name: string): boolean => name === 'reason' || name === 'message';
  // Only who reads texts is done again when some come.
  const forSort = sort.some(({ name }) => reads(name)) ? texts : 0;
  const forFilter = filter !== null && [...filter.reads].some(reads) ? texts : 0;
  const inOrder = useMemo(() => sorted(judged, sort, fields), [judged, sort, fields, forSort]);
  return useMemo(() => (filter === null ? inOrder : inOrder.filter(filter.test)), [inOrder, filter, forFilter]);
}
