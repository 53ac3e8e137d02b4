import { useMemo, useState } from 'preact/hooks';
import type { Objective } from '../../../experiments/page/api.js';
import { useOpenTrial, useRun } from '../../app/hooks.js';
import {
  mostLines,
  parallelOption,
  parallelWidth,
  type ParallelAxis,
  type ParallelRow,
} from '../../charts/parallel.js';
import { thinned } from '../../charts/points.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Select } from '../../components/elements.js';
import { TrialLink } from '../../components/run-status.js';
import { Table } from '../../components/table.js';
import { textOf, titleOf } from '../../data/measures.js';
import { choiceName, choiceOf, valueOf, type CompleteTrials, type VaryingDecision } from './complete-trials.js';

const mostRows = 100;

/** How many of the most important decisions can be shown. */
const counts = [5, 8, 12, 20].map((count) => [String(count), String(count)] as const);

const countText = (count: number): string => count.toLocaleString('en-US');

/** Keeps the trials with one choice, an index into the decision's choices. */
interface ChoiceFilter {
  readonly decision: VaryingDecision;
  readonly choice: number;
}

function linesOf(
  trials: CompleteTrials,
  shown: readonly VaryingDecision[],
  objectives: readonly Objective[],
  filter: ChoiceFilter | null,
): { readonly lines: readonly ParallelRow[]; readonly total: number } {
  const { candidates, frontier } = trials;
  const rows = trials.rows.filter(
    (row) =>
      objectives.every(({ name }) => valueOf(trials, name, row) !== null) &&
      (filter === null || choiceOf(trials, filter.decision.name, row) === filter.decision.choices[filter.choice]),
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

interface FilterProps {
  readonly decisions: readonly VaryingDecision[];
  readonly filter: ChoiceFilter | null;
  readonly onChange: (filter: ChoiceFilter | null) => void;
}

/** Filters lines by a choice, also without a pointer. */
function FilterFields({ decisions, filter, onChange }: FilterProps) {
  return (
    <>
      <Select
        label="Only with"
        value={filter?.decision.name ?? ''}
        options={[['', 'any choices'], ...decisions.map(({ name }) => [name, name] as const)]}
        onChange={(value) => {
          const decision = decisions.find(({ name }) => name === value);
          onChange(decision === undefined ? null : { decision, choice: 0 });
        }}
      />
      {filter !== null && (
        <Select
          label="="
          name={`Choice of ${filter.decision.name}`}
          value={String(filter.choice)}
          options={filter.decision.choices.map((choice, i) => [String(i), choiceName(choice)])}
          onChange={(value) => onChange({ ...filter, choice: Number(value) })}
        />
      )}
    </>
  );
}

interface LinesTableProps {
  readonly rows: readonly ParallelRow[];
  readonly shown: readonly VaryingDecision[];
}

function LinesTable({ rows, shown }: LinesTableProps) {
  const { info } = useRun();
  const sorted = rows.toSorted((a, b) => Number(b.onFrontier) - Number(a.onFrontier));
  const textAt = (name: string, value: number | string | null): string =>
    textOf(info.measures, name, typeof value === 'number' ? value : null);
  return (
    <>
      <Table
        label="Trials, those on the frontier first"
        columns={[
          { title: 'trial', heading: true, cell: ({ key }: ParallelRow) => <TrialLink number={key.number} /> },
          { title: 'frontier', cell: ({ onFrontier }) => (onFrontier ? 'yes' : '') },
          ...info.objectives.map(({ name }, i) => ({
            title: titleOf(info.measures, name),
            numeric: true,
            cell: ({ values }: ParallelRow) => textAt(name, values[shown.length + i]),
          })),
          ...shown.map(({ name }, i) => ({ title: name, cell: ({ values }: ParallelRow) => values[i] })),
        ]}
        rows={sorted.slice(0, mostRows)}
      />
      {sorted.length > mostRows && <p class="note">The first {mostRows}; the trials page has all.</p>}
    </>
  );
}

interface ParallelProps {
  readonly trials: CompleteTrials;
  readonly decisions: readonly VaryingDecision[];
}

export function ParallelTrials({ trials, decisions }: ParallelProps) {
  const {
    info: { objectives, measures },
  } = useRun();
  const open = useOpenTrial();
  const theme = useChartTheme();
  const [count, setCount] = useState(8);
  const [filter, setFilter] = useState<ChoiceFilter | null>(null);
  const shown = decisions.slice(0, count);
  const names = shown.map(({ name }) => name);
  const { lines, total } = useMemo(() => linesOf(trials, shown, objectives, filter), [trials, names.join(','), filter]);
  const axes: readonly ParallelAxis[] = [
    ...shown.map(({ name, choices }) => ({ kind: 'decision' as const, name, choices: choices.map(choiceName) })),
    ...objectives.map(({ name }) => ({ kind: 'measure' as const, name })),
  ];
  const option = useMemo(() => parallelOption({ axes, rows: lines, measures, theme }), [lines, theme]);
  if (decisions.length === 0) return null;
  const titles = objectives.map(({ name }) => titleOf(measures, name));
  return (
    <section>
      <h2>Decisions and objectives together</h2>
      <div class="toolbar">
        <Select
          label="Most important decisions"
          value={String(count)}
          options={counts}
          onChange={(value) => setCount(Number(value))}
        />
        <FilterFields decisions={decisions} filter={filter} onChange={setFilter} />
        <span class="note" role="status">
          {countText(lines.length)} lines
        </span>
      </div>
      <div class="scroll" role="region" aria-label="Parallel coordinates" tabIndex={0}>
        <div style={{ minWidth: `${parallelWidth(axes.length)}px` }}>
          <Chart
            label={`Parallel coordinates of ${lines.length} trials over ${names.join(', ')} and ${titles.join(', ')}`}
            height={420}
            option={option}
            onPoint={open}
            table={() => <LinesTable rows={lines} shown={shown} />}
          />
        </div>
      </div>
      <p class="note">
        A line is a trial; strong lines are on the frontier. Drag along an axis to select lines, click it to clear the
        selection.
        {total > lines.length &&
          ` Of ${countText(total)} trials, ${countText(lines.length)} are drawn: the frontier, and others evenly.`}
      </p>
    </section>
  );
}
