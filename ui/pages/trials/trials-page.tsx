import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { AddressFilter } from '../../components/address-filter.js';
import { isText, useAddressFilter } from '../../components/filtered.js';
import { useQuery, useRun } from '../../data/hooks.js';
import { LatencyWarning } from '../../components/latency-warning.js';
import { FilterHelp } from '../../components/filter-field.js';
import { Grid } from '../../components/grid.js';
import { mostCompared, runAddress, trialAddress } from '../../data/addresses.js';
import type { Candidates } from '../../data/candidates.js';
import { sortedBy, sortText } from '../../data/sorted.js';
import { ColumnMenu, gridColumns } from './columns.js';
import { Downloads } from './downloads.js';
import { useListed, useSeenTexts } from './listed.js';
import { useColumns, useView } from './view.js';

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

export default function TrialsPage() {
  const { live, info } = useRun();
  const { candidates } = live;
  const { route } = useLocation();
  const [{ filter: text = '' }, changeQuery] = useQuery();
  const [view, change] = useView();
  const filtered = useAddressFilter(view.sort.some(({ name }) => isText(name)));
  const { texts, known, fields, version, all, filter, loading } = filtered;
  const rows = useListed(all, view.sort, filtered);
  const columns = useColumns(known, fields, view.columns, (next) => change({ columns: next }));
  const selection = useSelection(candidates);

  const showsTexts = columns.shown.some(({ name }) => isText(name));
  const onDrawn = useSeenTexts(texts, showsTexts, candidates, version);

  const href = (number: number): string => trialAddress(live.id, number);
  const links = { href, isSelected: selection.has, onSelect: selection.toggle };
  const sort = (name: string, further: boolean): void => {
    const objective = info.objectives.find((each) => each.name === name);
    change({ sort: sortedBy(view.sort, name, objective?.direction === 'maximize', further) });
  };
  const countText = (count: number): string => count.toLocaleString('en-US');
  return (
    <section class="trials">
      <h2>Trials</h2>
      <AddressFilter filtered={filtered} />
      <FilterHelp onTry={(expression) => changeQuery({ filter: expression })} />
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
      <LatencyWarning warning={info.latencies} />
      {rows.length === 0 && (
        <p class="note">{filter === null ? 'There are no trials yet.' : 'No trial matches the filter.'}</p>
      )}
      <Grid
        label="Trials"
        columns={gridColumns(columns.shown, view.sort, known, links)}
        rows={rows}
        order={`${sortText(view.sort)} ${text}`}
        isSelected={selection.has}
        onSort={sort}
        onOpen={(row) => route(href(candidates.number[row]))}
        onSelect={selection.toggle}
        onDrawn={onDrawn}
      />
    </section>
  );
}
