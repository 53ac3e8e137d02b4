import { useEffect, useMemo, useRef } from 'preact/hooks';
import { isText } from '../../components/filtered.js';
import type { Candidates } from '../../data/candidates.js';
import type { Field } from '../../data/fields.js';
import { sorted, type SortKey } from '../../data/sorted.js';
import type { Texts } from '../../data/texts.js';
import type { Filter } from '../../filter/compile.js';

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
