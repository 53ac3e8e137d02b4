import type { ReadableRun, RunEntry, RunId } from '../../../experiments/page/api.js';
import { endedTrials } from '../../components/run-status.js';
import { useState } from 'preact/hooks';
import { mostCompared, runsAddress } from '../../data/addresses.js';
import { useNow } from '../../app/hooks.js';
import { useRuns } from '../../data/use-answer.js';
import { RunRow } from './run-row.js';

/** What runs can be sorted by. */
const orders = ['name', 'newest', 'state', 'progress'] as const;
type Order = (typeof orders)[number];

/** Those that need somebody's eye come first. */
const states = ['died', 'failed', 'infeasible', 'running', 'interrupted', 'complete'];

const progressOf = ({ run }: ReadableRun): number => endedTrials(run) / Math.max(run.planned, 1);

const compareText = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

const comparisons: { readonly [O in Order]: (a: ReadableRun, b: ReadableRun) => number } = {
  name: () => 0,
  newest: (a, b) => Date.parse(b.run.updatedAt) - Date.parse(a.run.updatedAt),
  state: (a, b) => states.indexOf(a.run.status) - states.indexOf(b.run.status),
  progress: (a, b) => progressOf(b) - progressOf(a),
};

/** The runs whose id or name holds a text, in an order; those that cannot be read come last. */
export function listRuns(runs: readonly RunEntry[], text: string, order: Order): readonly RunEntry[] {
  const wanted = text.trim().toLowerCase();
  const holds = (name: string): boolean => name.toLowerCase().includes(wanted);
  return runs
    .filter((entry) => holds(entry.id) || ('run' in entry && holds(entry.run.name)))
    .sort((a, b) => {
      const byId = compareText(a.id, b.id);
      if (!('run' in a && 'run' in b)) return Number(!('run' in a)) - Number(!('run' in b)) || byId;
      return comparisons[order](a, b) || byId;
    });
}

const columns = [
  { title: 'run' },
  { title: 'state' },
  { title: 'trials' },
  { title: 'an hour', numeric: true },
  { title: 'left', numeric: true },
  { title: 'frontier' },
  { title: 'best' },
] as const;

function CompareLink({ runs }: { readonly runs: readonly RunId[] }) {
  if (runs.length < 2)
    return (
      <button type="button" class="push" disabled title={`Choose 2 to ${mostCompared} runs`}>
        Compare
      </button>
    );
  return (
    <a class="button primary push" href={runsAddress(runs)}>
      Compare {runs.length} runs
    </a>
  );
}

/** All runs of the folder; they appear, move on and end by themselves. */
export function RunsPage() {
  const { answer, problem } = useRuns();
  const now = useNow();
  const [text, setText] = useState('');
  const [order, setOrder] = useState<Order>('name');
  const [chosen, setChosen] = useState<ReadonlySet<RunId>>(new Set());
  const banner = problem !== null && (
    <p class="banner" role="alert">
      {problem} It is tried again.
    </p>
  );
  if (answer === null)
    return (
      <section>
        <h1>Runs</h1>
        {banner || <p role="status">Loading …</p>}
      </section>
    );
  const { folder, runs } = answer;
  const listed = listRuns(runs, text, order);
  const compared = runs.map(({ id }) => id).filter((id) => chosen.has(id));
  const select = (id: RunId, selected: boolean) => {
    const next = new Set(chosen);
    if (selected) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  return (
    <section>
      <h1>Runs in {folder}</h1>
      {banner}
      {runs.length === 0 ? (
        <p class="empty">
          There is no run in {folder} yet. It is shown here as soon as one begins: <code>nas run experiment.yaml</code>
        </p>
      ) : (
        <>
          <div class="toolbar">
            <label>
              Find <input type="search" value={text} onInput={({ currentTarget: { value } }) => setText(value)} />
            </label>
            <label>
              Sort by{' '}
              <select
                value={order}
                onChange={({ currentTarget: { value } }) =>
                  setOrder(orders.find((candidate) => candidate === value) ?? 'name')
                }
              >
                {orders.map((candidate) => (
                  <option key={candidate}>{candidate}</option>
                ))}
              </select>
            </label>
            <span class="note" role="status">
              {`${listed.length === runs.length ? '' : `${listed.length} of `}${runs.length} run${runs.length === 1 ? '' : 's'}`}
            </span>
            <CompareLink runs={compared} />
          </div>
          <div class="scrolls" role="region" aria-label="Runs" tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th scope="col">
                    <span class="visually-hidden">compare</span>
                  </th>
                  {columns.map(({ title, ...column }) => (
                    <th key={title} scope="col" class={'numeric' in column ? 'number' : undefined}>
                      {title}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {listed.map((entry) => (
                  <RunRow
                    key={entry.id}
                    entry={entry}
                    now={now}
                    selected={chosen.has(entry.id)}
                    onSelect={
                      chosen.size < mostCompared || chosen.has(entry.id)
                        ? (selected) => select(entry.id, selected)
                        : null
                    }
                  />
                ))}
              </tbody>
            </table>
          </div>
          {listed.length === 0 && <p class="empty">No run is called so.</p>}
        </>
      )}
    </section>
  );
}
