import { useMemo, useState } from 'preact/hooks';
import type { Choice, Objective } from '../../../reports/page/api.js';
import { useOpenTrial, useQuery, useRun } from '../../data/hooks.js';
import { extentOf } from '../../charts/axis.js';
import {
  brushesAround,
  choicesWithin,
  mostLines,
  parallelOption,
  parallelWidth,
  roundedOn,
  type Brushed,
  type ParallelAxis,
  type ParallelRow,
} from '../../charts/parallel.js';
import type { OnBrush } from '../../charts/canvas.js';
import { thinned } from '../../charts/points.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Select } from '../../components/elements.js';
import { titleOf } from '../../data/measures.js';
import type { Field } from '../../data/fields.js';
import { boundsTerm, choicesTerm, keptBounds, keptChoices, without, withTerm } from '../../filter/brushes.js';
import { testIn, type Test } from '../../filter/compile.js';
import {
  choiceName,
  choiceOf,
  fieldOfDecision,
  valueOf,
  type CompleteTrials,
  type VaryingDecision,
} from './complete-trials.js';

/** How many of the most important decisions can be shown. */
const counts = [5, 8, 12, 20].map((count) => [String(count), String(count)] as const);

const countText = (count: number): string => count.toLocaleString('en-US');

/** The most lines of trials that the filter leaves out. */
const mostOthers = 400;

interface Lines {
  /** Of trials that the filter keeps first. */
  readonly lines: readonly ParallelRow[];
  readonly drawn: number;
  readonly kept: number;
}

/** @param kept the trials of the filter; others are lines only where a brush dims them */
function linesOf(
  trials: CompleteTrials,
  shown: readonly VaryingDecision[],
  objectives: readonly Objective[],
  kept: (row: number) => boolean,
): Lines {
  const { candidates, frontier } = trials;
  const known = trials.rows.filter((row) => objectives.every(({ name }) => valueOf(trials, name, row) !== null));
  const onFrontier = (row: number): boolean => frontier.has(candidates.number[row]);
  const own = known.filter(kept);
  const others = known.length === own.length ? [] : known.filter((row) => !kept(row));
  const some = thinned(own, mostLines - mostOthers, onFrontier);
  const lines = [...some, ...thinned(others, mostOthers, onFrontier)].map((row) => ({
    key: { number: candidates.number[row], precision: candidates.precision[row] },
    onFrontier: onFrontier(row),
    values: [
      ...shown.map(({ name }) => choiceName(choiceOf(trials, name, row))),
      ...objectives.map(({ name }) => valueOf(trials, name, row)),
    ],
  }));
  return { lines, drawn: some.length, kept: own.length };
}

/** An axis with its field, and what the filter's comparisons of it keep. */
interface Axis {
  readonly axis: ParallelAxis;
  readonly field: Field | undefined;
  /** Of a decision. */
  readonly choices: readonly (Choice | null)[];
}

function axesOf(
  shown: readonly VaryingDecision[],
  objectives: readonly Objective[],
  fields: readonly Field[],
  filter: string,
): readonly Axis[] {
  return [
    ...shown.map(({ name, choices }): Axis => {
      const field = fieldOfDecision(fields, name);
      const kept = field === undefined ? null : keptChoices(filter, field, choices);
      const brushed = brushesAround(choices.flatMap((choice, i) => (kept?.includes(choice) === true ? [i] : [])));
      return { axis: { kind: 'decision', name, choices: choices.map(choiceName), brushed }, field, choices };
    }),
    ...objectives.map(({ name }): Axis => {
      const field = fields.find((one) => one.name === name);
      const kept = field === undefined ? null : keptBounds(filter, field);
      return { axis: { kind: 'measure', name, ...(kept !== null && { brushed: [kept] }) }, field, choices: [] };
    }),
  ];
}

/** The condition of the selected parts of an axis: of choices all parts, of numbers the last one. Empty: all. */
function brushTerm({ axis, choices }: Axis, field: Field, parts: readonly Brushed[], extent: Brushed | null): string {
  const last = parts.at(-1);
  if (last === undefined) return '';
  if (axis.kind === 'decision') {
    const indices = new Set(parts.flatMap((part) => choicesWithin(part, choices.length)));
    const some = choices.filter((_, i) => indices.has(i));
    return some.length === choices.length ? '' : choicesTerm(field, some);
  }
  if (extent === null) return '';
  const [low, high] = last;
  return boundsTerm(
    field,
    low <= extent[0] ? null : roundedOn(low, extent),
    high >= extent[1] ? null : roundedOn(high, extent),
  );
}

interface ParallelProps {
  /** All complete trials, and the test of the filter in the address. */
  readonly trials: CompleteTrials;
  readonly test: Test | null;
  readonly decisions: readonly VaryingDecision[];
  readonly fields: readonly Field[];
}

export function ParallelTrials({ trials, test, decisions, fields }: ParallelProps) {
  const { objectives, measures } = useRun().info;
  const open = useOpenTrial();
  const theme = useChartTheme();
  const [{ filter = '' }, change] = useQuery();
  const [count, setCount] = useState(8);
  const shown = decisions.slice(0, count);
  const names = shown.map(({ name }) => name);
  const known = axesOf(shown, objectives, fields, filter);
  const axes = known.map(({ axis }) => axis);
  const { lines, drawn, kept } = useMemo(() => {
    // Conditions without an axis leave lines out; brushes dim the others.
    const brushed = known.flatMap(({ field }) => field ?? []);
    const rest = testIn(without(filter, brushed), fields);
    const some = rest === null ? trials : { ...trials, rows: trials.rows.filter(rest) };
    return linesOf(some, shown, objectives, test ?? (() => true));
  }, [trials, names.join(','), filter, test]);
  const option = useMemo(
    () => parallelOption({ axes, rows: lines, measures, theme }),
    [lines, theme, JSON.stringify(axes)],
  );
  if (decisions.length === 0) return null;
  const brush: OnBrush = (at, parts) => {
    const { field } = known[at];
    const extent = extentOf(lines.flatMap(({ values }) => (typeof values[at] === 'number' ? [values[at]] : [])));
    if (field !== undefined)
      change({ filter: withTerm(filter, field, brushTerm(known[at], field, parts, extent)) || null });
  };
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
        <span class="note" role="status">
          {countText(drawn)} lines
        </span>
      </div>
      <div class="scroll" role="region" aria-label="Parallel coordinates" tabIndex={0}>
        <div style={{ minWidth: `${parallelWidth(axes.length)}px` }}>
          <Chart
            label={`Parallel coordinates of ${drawn} trials over ${names.join(', ')} and ${titles.join(', ')}`}
            height={420}
            option={option}
            onPoint={open}
            onBrush={brush}
          />
        </div>
      </div>
      <p class="note">
        A line is a trial; strong lines are on the frontier. Drag along an axis to filter by a part of it, click the
        axis to remove that from the filter; the filter of the page is drawn on the axes.
        {kept > drawn &&
          ` Of ${countText(kept)} trials, ${countText(drawn)} are drawn: the frontier, and others evenly.`}
      </p>
    </section>
  );
}
