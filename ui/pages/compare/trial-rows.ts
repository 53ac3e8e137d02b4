import { estimateText, intervalAround } from '../../../base/certainty.js';
import type { Unit } from '../../../base/number-text.js';
import { mainScores } from '../../../base/scores.js';
import type { TaskType } from '../../../base/task.js';
import type { Choice, MeasureText, Objective, ReportMember, RunSummary } from '../../../reports/page/api.js';
import { textWithError, titleOf } from '../../data/measures.js';
import { numberRow, type SideRow, type SideValue } from './side-by-side.js';

/** What is known of networks besides their values. */
interface Further {
  readonly title: string;
  readonly unit: Unit;
  readonly direction: Objective['direction'] | undefined;
  readonly of: (trial: ReportMember) => SideValue;
}

/** A score with its standard error, where that is known. */
const scored = (value: number | null | undefined, standardError: number | undefined): SideValue =>
  value === null || value === undefined || standardError === undefined
    ? { value: value ?? null }
    : { value, certainty: { interval: intervalAround(value, standardError), standardError } };

const exact = (value: number | null | undefined): SideValue => ({ value: value ?? null });

const scoresOf = (task: TaskType): readonly Further[] => {
  const { title, unit } = mainScores[task];
  return [
    {
      title: `final ${title}`,
      unit,
      direction: 'maximize',
      of: ({ final }) => scored(final?.accuracy, final?.standardError),
    },
    {
      title: `test ${title}`,
      unit,
      direction: 'maximize',
      of: ({ final }) => scored(final?.testAccuracy, final?.testStandardError),
    },
  ];
};

const costs: readonly Further[] = [
  // Percentiles have no interval, so none is the best one.
  { title: 'latency, 95th percentile', unit: 'ms', direction: undefined, of: ({ latency }) => exact(latency?.p95) },
  { title: 'MACs', unit: 'count', direction: 'minimize', of: (trial) => exact(trial.costs?.macs) },
  { title: 'parameters', unit: 'count', direction: 'minimize', of: (trial) => exact(trial.costs?.params) },
  { title: 'model size', unit: 'bytes', direction: 'minimize', of: (trial) => exact(trial.costs?.sizeBytes) },
  {
    title: 'activation memory',
    unit: 'bytes',
    direction: 'minimize',
    of: (trial) => exact(trial.costs?.activationBytes),
  },
];

interface Measured {
  readonly run: Pick<RunSummary, 'task'>;
  readonly objectives: readonly Objective[];
  readonly measures: Readonly<Record<string, MeasureText>>;
}

/** The values of trials, one row each: objectives first, then other values, then costs. */
export function valueRows(
  { run, objectives, measures }: Measured,
  trials: readonly ReportMember[],
): readonly SideRow[] {
  const further = [...scoresOf(run.task), ...costs];
  const directions = new Map(objectives.map(({ name, direction }) => [name, direction]));
  const names = new Set([...directions.keys(), ...trials.flatMap(({ values }) => Object.keys(values))]);
  const found = [...names].map((name) => {
    const title = titleOf(measures, name);
    const values = trials.map(({ values: own, certainty }) => ({
      value: Object.hasOwn(own, name) ? own[name] : null,
      certainty: certainty?.[name],
    }));
    const direction = directions.get(name) ?? further.find((other) => other.title === title)?.direction;
    const isPredicted = (i: number): boolean =>
      values[i].value !== null &&
      Object.hasOwn(trials[i].provenance, name) &&
      trials[i].provenance[name] === 'predicted';
    return numberRow(
      title,
      values,
      direction,
      ({ value, certainty }) => textWithError(measures, name, value, certainty),
      (i) => (isPredicted(i) ? 'predicted' : values[i].certainty?.unreliable === undefined ? null : 'unreliable'),
    );
  });
  const rest = further.flatMap(({ title, unit, direction, of }) => {
    const values = trials.map((trial) => of(trial));
    if (values.every(({ value }) => value === null) || found.some((row) => row.title === title)) return [];
    return [
      numberRow(title, values, direction, ({ value, certainty }) =>
        estimateText(unit, value, certainty?.standardError),
      ),
    ];
  });
  return [...found, ...rest];
}

/** The choices of trials, one row for each decision. `-`: the network lacks that part. */
export const decisionRows = (
  decisions: readonly string[],
  trials: readonly Readonly<Record<string, Choice>>[],
): readonly SideRow[] =>
  decisions.map((title) => {
    const choices = trials.map((chosen) => (Object.hasOwn(chosen, title) ? chosen[title] : null));
    const differs = choices.some((choice) => choice !== choices[0]);
    const cells = choices.map((choice) => ({
      text: choice === null ? '-' : String(choice),
      mark: choice === choices[0] ? undefined : ('apart' as const),
    }));
    return { title, differs, cells };
  });
