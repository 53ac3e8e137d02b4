import { useEffect, useMemo, useRef } from 'preact/hooks';
import { isText, type AddressFiltered } from '../../components/filtered.js';
import type { Candidates } from '../../data/candidates.js';
import { sorted, type SortKey } from '../../data/sorted.js';
import type { Texts } from '../../data/texts.js';

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
  { fields, test, textsVersion }: AddressFiltered,
): readonly number[] {
  const seen = sort.some(({ name }) => isText(name)) ? textsVersion : 0;
  const inOrder = useMemo(() => sorted(rows, sort, fields), [rows, sort, fields, seen]);
  return useMemo(() => (test === null ? inOrder : inOrder.filter(test)), [inOrder, test]);
}
