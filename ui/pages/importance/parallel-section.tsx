import { useLocation } from 'preact-iso';
import { useMemo, useState } from 'preact/hooks';
import type { CandidateKey, Objective } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import {
  mostLines,
  parallelOption,
  parallelWidth,
  type ParallelAxis,
  type ParallelRow,
} from '../../charts/parallel.js';
import { thinned } from '../../charts/points.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { trialAddress } from '../../data/addresses.js';
import { textOf, titleOf } from '../../data/measures.js';
import { choiceName, choiceOf, type CompleteTrials, valueOf, type VaryingDecision } from './complete-trials.js';

/** Rows of the table at most. */
const mostRows = 100;

/** How many decisions can be shown; the most that matter. */
const counts = [5, 8, 12, 20] as const;

/** Those that chose something; index into a decision's choices. */
interface Kept {
  readonly decision: VaryingDecision;
  readonly choice: number;
}

function linesOf(
  trials: CompleteTrials,
  shown: readonly VaryingDecision[],
  objectives: readonly Objective[],
  kept: Kept | null,
): { readonly lines: readonly ParallelRow[]; readonly total: number } {
  const { candidates, frontier } = trials;
  const rows = trials.rows.filter(
    (row) =>
      objectives.every(({ name }) => valueOf(trials, name, row) !== null) &&
      (kept === null || choiceOf(trials, kept.decision.name, row) === kept.decision.choices[kept.choice]),
  );
  const onFrontier = (row: number): boolean => frontier.has(candidates.number[row]);
  const lines = thinned(rows, mostLines, onFrontier).map((row) => ({
    key: { number: candidates.number[row], precision: candidates.precision[row] },
    onFrontier: onFrontier(row),
    values: [
      ...shown.map(({ name }) => choiceName(choiceOf(trials, name, row))),
      ...objectives.map(({ name }) => valueOf(trials, name, row)),
    ],
  }));
  return { lines, total: rows.length };
}

interface KeepProps {
  readonly decisions: readonly VaryingDecision[];
  readonly kept: Kept | null;
  readonly keep: (kept: Kept | null) => void;
}

/** Keeps lines by a choice, also without a pointer. */
function KeepFields({ decisions, kept, keep }: KeepProps) {
  return (
    <>
      <label>
        Only with
        <select
          value={kept?.decision.name ?? ''}
          onChange={({ currentTarget: { value } }) => {
            const decision = decisions.find(({ name }) => name === value);
            keep(decision === undefined ? null : { decision, choice: 0 });
          }}
        >
          <option value="">any choices</option>
          {decisions.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {kept !== null && (
        <label>
          =
          <select
            aria-label={`Choice of ${kept.decision.name}`}
            value={String(kept.choice)}
            onChange={({ currentTarget: { value } }) => keep({ ...kept, choice: Number(value) })}
          >
            {kept.decision.choices.map((choice, i) => (
              <option key={i} value={String(i)}>
                {choiceName(choice)}
              </option>
            ))}
          </select>
        </label>
      )}
    </>
  );
}

interface LinesProps {
  readonly rows: readonly ParallelRow[];
  readonly shown: readonly VaryingDecision[];
}

/** The value of an objective. */
const numberIn = (value: number | string | null): number | null => (typeof value === 'number' ? value : null);

function LinesTable({ rows, shown }: LinesProps) {
  const { live, info } = useRun();
  const listed = [...rows.filter(({ onFrontier }) => onFrontier), ...rows.filter(({ onFrontier }) => !onFrontier)];
  return (
    <>
      <Table
        label="Trials, those on the frontier first"
        columns={[
          {
            title: 'trial',
            heading: true,
            cell: ({ key: { number } }: ParallelRow) => <a href={trialAddress(live.id, number)}>#{number}</a>,
          },
          { title: 'frontier', cell: ({ onFrontier }) => (onFrontier ? 'yes' : '') },
          ...info.objectives.map(({ name }, i) => ({
            title: titleOf(info.measures, name),
            numeric: true,
            cell: ({ values }: ParallelRow) => textOf(info.measures, name, numberIn(values[shown.length + i])),
          })),
          ...shown.map(({ name }, i) => ({
            title: name,
            cell: ({ values }: ParallelRow) => values[i],
          })),
        ]}
        rows={listed.slice(0, mostRows)}
      />
      {listed.length > mostRows && <p class="note">The first {mostRows}; the trials page has all.</p>}
    </>
  );
}

const isCandidate = (key: unknown): key is CandidateKey => typeof key === 'object' && key !== null && 'number' in key;

/** Decisions and objectives of trials as parallel coordinates. */
export function ParallelTrials({
  trials,
  decisions,
}: {
  readonly trials: CompleteTrials;
  readonly decisions: readonly VaryingDecision[];
}) {
  const { live, info } = useRun();
  const { route } = useLocation();
  const theme = useChartTheme();
  const [count, setCount] = useState<number>(8);
  const [kept, setKept] = useState<Kept | null>(null);
  const { objectives, measures } = info;
  const names = decisions.slice(0, count).map(({ name }) => name);
  const shown = decisions.slice(0, count);
  const { lines: rows, total } = useMemo(
    () => linesOf(trials, shown, objectives, kept),
    [trials, names.join(','), kept],
  );
  const axes: readonly ParallelAxis[] = [
    ...shown.map(({ name, choices }) => ({ kind: 'decision' as const, name, choices: choices.map(choiceName) })),
    ...objectives.map(({ name }) => ({ kind: 'measure' as const, name })),
  ];
  const option = useMemo(() => parallelOption({ axes, rows, measures, theme }), [rows, theme]);
  if (decisions.length === 0) return null;
  return (
    <section>
      <h2>Decisions and objectives together</h2>
      <div class="toolbar">
        <label>
          Decisions that matter most
          <select value={String(count)} onChange={({ currentTarget: { value } }) => setCount(Number(value))}>
            {counts.map((each) => (
              <option key={each} value={String(each)}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <KeepFields decisions={decisions} kept={kept} keep={setKept} />
        <span class="note" role="status">
          {rows.length.toLocaleString('en-US')} lines
        </span>
      </div>
      <div class="scroll" role="region" aria-label="Parallel coordinates" tabIndex={0}>
        <div style={{ minWidth: `${parallelWidth(axes.length)}px` }}>
          <Chart
            label={`Parallel coordinates of ${rows.length} trials over ${names.join(', ')} and ${objectives.map(({ name }) => titleOf(measures, name)).join(', ')}`}
            height={420}
            option={option}
            onPoint={(key) => isCandidate(key) && route(trialAddress(live.id, key.number))}
            table={() => <LinesTable rows={rows} shown={shown} />}
          />
        </div>
      </div>
      <p class="note">
        A line is a trial; strong ones are on the frontier. Drag along an axis to keep what passes there, click it to
        let go.
        {total > rows.length &&
          ` Of ${total.toLocaleString('en-US')} trials, ${rows.length.toLocaleString('en-US')} are drawn: the frontier, and the others evenly.`}
      </p>
    </section>
  );
}
