import { useCallback, useMemo, useRef, useState } from 'preact/hooks';
import type { Candidates } from '../../data/candidates.js';
import { mostCompared, runAddress } from '../../data/addresses.js';
import { useLocation } from 'preact-iso';
import { useRun, useSeldom } from '../../app/hooks.js';
import { FilterField, FilterHelp } from '../../components/filter-field.js';
import { Grid } from '../../components/grid.js';
import { type Field, fieldsOf, type Known, valuesOf } from '../../data/fields.js';
import { sortedBy, sortText } from '../../data/sorted.js';
import { fetchTexts, Texts } from '../../data/texts.js';
import { ColumnMenu, gridColumns, usualColumns } from './columns.js';
import { Downloads } from './downloads.js';
import { judgedRows, useAllTexts, useFilter, useListed, useSeenTexts } from './listed.js';
import { rememberColumns, rememberedColumns, useView, type TrialsView } from './view.js';

interface Selected {
  /** Of trials, in the order in which they were selected. */
  readonly numbers: readonly number[];
  readonly has: (row: number) => boolean;
  /** Selects a row, or no longer; beyond six nothing happens. */
  readonly toggle: (row: number) => void;
  readonly clear: () => void;
}

/** The trials that are selected to be compared; they stay so when the table is filtered. */
export function useSelection({ number }: Candidates): Selected {
  const [numbers, setNumbers] = useState<readonly number[]>([]);
  return {
    numbers,
    has: (row) => numbers.includes(number[row]),
    toggle: (row) =>
      setNumbers((now) => {
        const own = number[row];
        if (now.includes(own)) return now.filter((each) => each !== own);
        return now.length < mostCompared ? [...now, own] : now;
      }),
    clear: () => setNumbers([]),
  };
}

/** What can be done with what is selected. */
export function Selection({
  selection: { numbers, clear },
  base,
}: {
  readonly selection: Selected;
  readonly base: string;
}) {
  const { length } = numbers;
  if (length === 0) return <span class="note">Space or a tick selects up to six to be compared</span>;
  return (
    <span class="selection">
      {length >= 2 ? (
        <a class="button" href={`${base}/compare?trials=${numbers.join(',')}`}>
          Compare {length}
        </a>
      ) : (
        <span class="note">Select another one to compare</span>
      )}{' '}
      <button type="button" onClick={clear}>
        Select none
      </button>
      {length === mostCompared && <span class="note"> Six are the most</span>}
    </span>
  );
}

/** How often the table takes in what is new, ms. */
const seldom = 500;

const readsTexts = (name: string): boolean => name === 'reason' || name === 'message';

/** What the run's fields are made of, anew whenever it has changed; and which version that is. */
function useKnown(texts: Texts): {
  readonly known: Known;
  readonly fields: readonly Field[];
  readonly version: number;
} {
  const { live, info } = useRun();
  const { candidates } = live;
  const version = useSeldom(live.version, seldom);
  const frontier = useSeldom(live.frontier, seldom);
  const { objectives, measures, decisions } = info;
  const severalPrecisions = info.precisions !== null;
  const known = useMemo((): Known => {
    const members = new Set(frontier.map((key) => candidates.rowOf(key)));
    const onFrontier = (row: number): boolean => members.has(row);
    const textOf = (number: number) => texts.of(number);
    return { candidates, objectives, measures, decisions, severalPrecisions, onFrontier, textOf };
  }, [candidates, version, frontier, objectives, measures, decisions, severalPrecisions, texts]);
  const fields = useMemo(() => fieldsOf(known), [known]);
  return { known, fields, version };
}

/** The columns that are shown: those of the address, else the usual ones as they were last switched. */
function useColumns(
  known: Known,
  fields: readonly Field[],
  chosen: readonly string[] | null,
  choose: (columns: readonly string[] | null) => void,
) {
  const [switched, setSwitched] = useState(rememberedColumns);
  const usual = useMemo(() => usualColumns(known, fields), [known, fields]);
  const shown = useMemo(() => {
    const names = new Set(chosen ?? usual);
    if (chosen === null)
      for (const [name, on] of Object.entries(switched))
        if (on) names.add(name);
        else names.delete(name);
    return fields.filter(({ name }) => name === 'number' || names.has(name));
  }, [fields, usual, switched, chosen]);
  const change = (next: typeof switched, columns: readonly string[] | null): void => {
    setSwitched(next);
    rememberColumns(next);
    choose(columns);
  };
  return {
    shown,
    toggle: (names: readonly string[], on: boolean): void => {
      const now = new Set(shown.map(({ name }) => name));
      for (const name of names)
        if (on) now.add(name);
        else now.delete(name);
      change({ ...switched, ...Object.fromEntries(names.map((name) => [name, on])) }, [...now]);
    },
    reset: () => change({}, null),
  };
}

interface TrialsProps {
  readonly view: TrialsView;
  readonly change: (part: Partial<TrialsView>) => void;
  readonly open: (address: string) => void;
}

function Trials({ view, change, open }: TrialsProps) {
  const { live, info } = useRun();
  const { candidates } = live;
  const texts = useMemo(() => new Texts(fetchTexts(live.id), (number) => candidates.hasEnded(number)), [live]);
  const textsVersion = useSeldom(texts.version, 200);
  const { known, fields, version } = useKnown(texts);
  const judged = useMemo(() => judgedRows(candidates), [candidates, version]);
  const { filter, problem } = useFilter(view.filter, fields);
  const rows = useListed(judged, view.sort, fields, filter, textsVersion);
  const columns = useColumns(known, fields, view.columns, (next) => change({ columns: next }));
  const selection = useSelection(candidates);

  const needsTexts = view.sort.some(({ name }) => readsTexts(name)) || [...(filter?.reads ?? [])].some(readsTexts);
  const reading = useAllTexts(texts, needsTexts, () => judged.map((row) => candidates.number[row]), version);

  const showsTexts = columns.shown.some(({ name }) => readsTexts(name));
  const onDrawn = useSeenTexts(texts, showsTexts, candidates, version);

  const base = runAddress(live.id);
  const href = (number: number): string => `${base}/trials/${number}`;
  const cells = gridColumns(columns.shown, view.sort, known, {
    href,
    isSelected: selection.has,
    onSelect: selection.toggle,
  });
  const sort = (name: string, further: boolean): void => {
    const objective = info.objectives.find((each) => each.name === name);
    change({ sort: sortedBy(view.sort, name, objective?.direction === 'maximize', further) });
  };
  const written = (count: number): string => count.toLocaleString('en-US');
  return (
    <section class="trials">
      <h2>Trials</h2>
      <FilterField
        value={view.filter}
        fields={fields}
        valuesOf={(field) => valuesOf(field, judged)}
        problem={problem}
        onInput={(text) => change({ filter: text })}
      />
      <FilterHelp onTry={(text) => change({ filter: text })} />
      <div class="trials-bar">
        <output>
          {filter === null ? written(rows.length) : `${written(rows.length)} of ${written(judged.length)}`} trials
        </output>
        {reading !== null && <span role="status">{reading}</span>}
        <Selection selection={selection} base={base} />
        <ColumnMenu
          fields={fields}
          shown={new Set(columns.shown.map(({ name }) => name))}
          onSwitch={columns.toggle}
          onUsual={columns.reset}
        />
        <Downloads name={info.run.name} rows={rows} fields={fields} known={known} texts={texts} />
      </div>
      {rows.length === 0 && <p class="note">{filter === null ? 'There are no trials yet.' : 'No trial is meant.'}</p>}
      <Grid
        label="Trials"
        columns={cells}
        rows={rows}
        order={`${sortText(view.sort)} ${view.filter}`}
        isSelected={selection.has}
        onSort={sort}
        onOpen={useCallback((row: number) => open(href(candidates.number[row])), [candidates])}
        onSelect={selection.toggle}
        onDrawn={onDrawn}
      />
    </section>
  );
}

/** All trials of a run as a table: filtered, sorted, with the columns that are wished, saved, and opened. */
export default function TrialsPage() {
  const { route } = useLocation();
  const [view, change] = useView();
  const latest = useRef(route);
  latest.current = route;
  // The address is written while one types: that alone does not draw the table again.
  return useMemo(() => <Trials view={view} change={change} open={(address) => latest.current(address)} />, [view]);
}
