import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Candidates } from '../data/candidates.js';
import { fieldsOf, type Field, type Known } from '../data/fields.js';
import { fetchTexts, Texts } from '../data/texts.js';
import { compileFilter, type Filter, type Test } from '../filter/compile.js';
import { FilterProblem } from '../filter/tokens.js';
import { useQuery, useRun, useThrottled } from '../data/hooks.js';

const chosenRows = ({ chosen, number }: Candidates): readonly number[] =>
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
function useFilter(text: string, fields: readonly Field[]): FilterState {
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
function useAllTexts(texts: Texts, needed: boolean, numbers: () => readonly number[], version: number) {
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

/** The shortest time between two updates of a list, ms. */
const interval = 500;

function useKnown(texts: Texts): {
  readonly known: Known;
  readonly fields: readonly Field[];
  readonly version: number;
} {
  const { live, info } = useRun();
  const { candidates } = live;
  const version = useThrottled(live.version, interval);
  const frontier = useThrottled(live.frontier, interval);
  const {
    run: { task },
    objectives,
    measures,
    decisions,
    notes: { notes: written },
  } = info;
  const notes = useMemo(() => new Map(written.map((note) => [note.trial, note])), [written]);
  const severalPrecisions = info.precisions !== null;
  const known = useMemo((): Known => {
    const members = new Set(frontier.map((key) => candidates.rowOf(key)));
    const onFrontier = (row: number): boolean => members.has(row);
    const textOf = (number: number) => texts.of(number);
    return { task, candidates, objectives, measures, decisions, severalPrecisions, onFrontier, notes, textOf };
  }, [task, candidates, version, frontier, objectives, measures, decisions, severalPrecisions, notes, texts]);
  const fields = useMemo(() => fieldsOf(known), [known]);
  return { known, fields, version };
}

export interface AddressFiltered extends FilterState {
  readonly texts: Texts;
  readonly textsVersion: number;
  readonly known: Known;
  readonly fields: readonly Field[];
  /** Changes with the candidates, at most twice a second. */
  readonly version: number;
  /** The trials in their chosen precisions, by number. */
  readonly all: readonly number[];
  /** How many texts that the filter reads are loaded, as text; null: all. */
  readonly loading: string | null;
  /** Null without a filter; a new object when its results may have changed. */
  readonly test: Test | null;
}

/**
 * The trials of the run, and the filter in the address over them.
 * @param needsTexts whether all texts are needed even without a filter
 */
export function useAddressFilter(needsTexts = false): AddressFiltered {
  const [{ filter: text = '' }] = useQuery();
  const { live } = useRun();
  const { candidates } = live;
  const texts = useMemo(() => new Texts(fetchTexts(live.id), (number) => candidates.hasEnded(number)), [live]);
  const textsVersion = useThrottled(texts.version, 200);
  const { known, fields, version } = useKnown(texts);
  const all = useMemo(() => chosenRows(candidates), [candidates, version]);
  const state = useFilter(text, fields);
  const { filter } = state;
  const readsTexts = [...(filter?.reads ?? [])].some(isText);
  const numbers = () => all.map((row) => candidates.number[row]);
  const loading = useAllTexts(texts, needsTexts || readsTexts, numbers, version);
  const seen = readsTexts ? textsVersion : 0;
  const test = useMemo(() => (filter === null ? null : (row: number) => filter.test(row)), [filter, seen]);
  return { ...state, texts, textsVersion, known, fields, version, all, loading, test };
}
