import { useState } from 'preact/hooks';
import type { ReadableRun, RunEntry, RunId } from '../../../reports/page/api.js';
import { useNow } from '../../data/hooks.js';
import { Alert, Select } from '../../components/elements.js';
import { endedTrials } from '../../components/run-status.js';
import { mostCompared, runsAddress } from '../../data/addresses.js';
import { useRuns } from '../../data/use-answer.js';
import { RunRow } from './run-row.js';

const orders = ['name', 'newest', 'state', 'progress'] as const;
type Order = (typeof orders)[number];

/** Runs that need attention come first. */
const states = ['died', 'failed', 'infeasible', 'running', 'interrupted', 'complete'];

const progressOf = ({ run }: ReadableRun): number => endedTrials(run) / Math.max(run.planned, 1);

const comparisons: { readonly [O in Order]: (a: ReadableRun, b: ReadableRun) => number } = {
  name: () => 0,
  newest: (a, b) => Date.parse(b.run.updatedAt) - Date.parse(a.run.updatedAt),
  state: (a, b) => states.indexOf(a.run.status) - states.indexOf(b.run.status),
  progress: (a, b) => progressOf(b) - progressOf(a),
};

/** The sorted runs whose id or name contains the text; unreadable ones come last. */
export function listRuns(runs: readonly RunEntry[], text: string, order: Order): readonly RunEntry[] {
  const wanted = text.trim().toLowerCase();
  const holds = (name: string): boolean => name.toLowerCase().includes(wanted);
  return runs
    .filter((entry) => {
      const { name = '', note = '', tags = [] } = 'run' in entry ? entry.run : {};
      return [entry.id, name, note, ...tags].some(holds);
    })
    .sort((a, b) => {
      const byId = a.id.localeCompare(b.id, 'en', { numeric: true });
      if (!('run' in a && 'run' in b)) return Number(!('run' in a)) - Number(!('run' in b)) || byId;
      return comparisons[order](a, b) || byId;
    });
}

const columns = ['run', 'state', 'trials', 'trials/h', 'ETA', 'frontier', 'best'] as const;

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

export function RunsPage() {
  const { answer, problem } = useRuns();
  const now = useNow();
  const [text, setText] = useState('');
  const [order, setOrder] = useState<Order>('name');
  const [chosen, setChosen] = useState<ReadonlySet<RunId>>(new Set());
  const alert = <Alert text={problem === null ? null : `${problem} Retrying.`} />;
  if (answer === null)
    return (
      <section>
        <h1>Runs</h1>
        {problem === null ? <p role="status">Loading …</p> : alert}
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
      {alert}
      {runs.length === 0 ? (
        <p class="empty">
          There is no run in {folder} yet. Start one, and it appears here: <code>nas run experiment.yaml</code>
        </p>
      ) : (
        <>
          <div class="toolbar">
            <label>
              Find <input type="search" value={text} onInput={({ currentTarget: { value } }) => setText(value)} />
            </label>
            <Select
              label="Sort by"
              value={order}
              options={orders.map((each) => [each, each])}
              onChange={(value) => setOrder(orders.find((each) => each === value) ?? 'name')}
            />
            <span class="note" role="status">
              {`${listed.length === runs.length ? '' : `${listed.length} of `}${runs.length} run${runs.length === 1 ? '' : 's'}`}
            </span>
            <CompareLink runs={compared} />
          </div>
          <div class="scrolls" role="region" aria-label="Runs" tabIndex={0}>
            <table class="runs">
              <thead>
                <tr>
                  <th scope="col">
                    <span class="visually-hidden">compare</span>
                  </th>
                  {columns.map((title) => (
                    <th key={title} scope="col" class={title === 'trials/h' || title === 'ETA' ? 'number' : undefined}>
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
                    full={chosen.size >= mostCompared}
                    onSelect={(selected) => select(entry.id, selected)}
                  />
                ))}
              </tbody>
            </table>
          </div>
          {listed.length === 0 && <p class="empty">No run has this in its name, note or tags.</p>}
        </>
      )}
    </section>
  );
}
