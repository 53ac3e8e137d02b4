import { useLocation } from 'preact-iso';
import { useCallback, useMemo, useRef, useState } from 'preact/hooks';
import { useRun, useThrottled } from '../../app/hooks.js';
import { LatencyDoubts } from '../../components/doubts.js';
import { FilterField, FilterHelp } from '../../components/filter-field.js';
import { Grid } from '../../components/grid.js';
import { mostCompared, runAddress, trialAddress } from '../../data/addresses.js';
import type { Candidates } from '../../data/candidates.js';
import { fieldsOf, valuesOf, type Field, type Known } from '../../data/fields.js';
import { sortedBy, sortText } from '../../data/sorted.js';
import { fetchTexts, Texts } from '../../data/texts.js';
import { ColumnMenu, gridColumns } from './columns.js';
import { Downloads } from './downloads.js';
import { chosenRows, isText, useAllTexts, useFilter, useListed, useSeenTexts } from './listed.js';
import { useColumns, useView, type TrialsView } from './view.js';

interface Selected {
  /** Trial numbers in the order of selection. */
  readonly numbers: readonly number[];
  readonly has: (row: number) => boolean;
  /** Selects or deselects a row; at most six are selected. */
  readonly toggle: (row: number) => void;
  readonly clear: () => void;
}

/** The trials selected for comparison; filtering does not change them. */
function useSelection({ number }: Candidates): Selected {
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

function Selection({ selection: { numbers, clear } }: { readonly selection: Selected }) {
  const { live } = useRun();
  const { length } = numbers;
  if (length === 0) return <span class="note">Space or a tick selects up to six to compare</span>;
  return (
    <span class="selection">
      {length >= 2 ? (
        <a class="button" href={`${runAddress(live.id)}/compare?trials=${numbers.join(',')}`}>
          Compare {length}
        </a>
      ) : (
        <span class="note">Select another one to compare</span>
      )}{' '}
      <button type="button" onClick={clear}>
        Select none
      </button>
      {length === mostCompared && <span class="note"> Six is the most</span>}
    </span>
  );
}

/** The shortest time between two updates of the table, ms. */
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

interface TrialsProps {
  readonly view: TrialsView;
  readonly change: (part: Partial<TrialsView>) => void;
  readonly open: (address: string) => void;
}

function Trials({ view, change, open }: TrialsProps) {
  const { live, info } = useRun();
  const { candidates } = live;
  const texts = useMemo(() => new Texts(fetchTexts(live.id), (number) => candidates.hasEnded(number)), [live]);
  const textsVersion = useThrottled(texts.version, 200);
  const { known, fields, version } = useKnown(texts);
  const all = useMemo(() => chosenRows(candidates), [candidates, version]);
  const { filter, problem } = useFilter(view.filter, fields);
  const rows = useListed(all, view.sort, fields, filter, textsVersion);
  const columns = useColumns(known, fields, view.columns, (next) => change({ columns: next }));
  const selection = useSelection(candidates);

  const needsTexts = [...view.sort.map(({ name }) => name), ...(filter?.reads ?? [])].some(isText);
  const loading = useAllTexts(texts, needsTexts, () => all.map((row) => candidates.number[row]), version);
  const showsTexts = columns.shown.some(({ name }) => isText(name));
  const onDrawn = useSeenTexts(texts, showsTexts, candidates, version);

  const href = (number: number): string => trialAddress(live.id, number);
  const links = { href, isSelected: selection.has, onSelect: selection.toggle };
  const sort = (name: string, further: boolean): void => {
    const objective = info.objectives.find((each) => each.name === name);
    change({ sort: sortedBy(view.sort, name, objective?.direction === 'maximize', further) });
  };
  const setFilter = (text: string) => change({ filter: text });
  const countText = (count: number): string => count.toLocaleString('en-US');
  return (
    <section class="trials">
      <h2>Trials</h2>
      <FilterField
        value={view.filter}
        fields={fields}
        valuesOf={(field) => valuesOf(field, all)}
        problem={problem}
        onInput={setFilter}
      />
      <FilterHelp onTry={setFilter} />
      <div class="trials-bar">
        <output>
          {filter === null ? countText(rows.length) : `${countText(rows.length)} of ${countText(all.length)}`} trials
        </output>
        {loading !== null && <span role="status">{loading}</span>}
        <Selection selection={selection} />
        <ColumnMenu
          fields={fields}
          shown={new Set(columns.shown.map(({ name }) => name))}
          onSwitch={columns.toggle}
          onDefault={columns.reset}
        />
        <Downloads name={info.run.name} rows={rows} fields={fields} known={known} texts={texts} />
      </div>
      <LatencyDoubts doubts={info.latencies} />
      {rows.length === 0 && (
        <p class="note">{filter === null ? 'There are no trials yet.' : 'No trial matches the filter.'}</p>
      )}
      <Grid
        label="Trials"
        columns={gridColumns(columns.shown, view.sort, known, links)}
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

export default function TrialsPage() {
  const { route } = useLocation();
  const [view, change] = useView();
  const latest = useRef(route);
  latest.current = route;
  // Writing the address alone does not render the table again.
  return useMemo(() => <Trials view={view} change={change} open={(address) => latest.current(address)} />, [view]);
}
