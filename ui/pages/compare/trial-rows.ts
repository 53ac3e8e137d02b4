import { valueText, type Unit } from '../../../base/number-text.js';
import { mainScores } from '../../../base/scores.js';
import type { TaskType } from '../../../base/task.js';
import type { Choice, MeasureText, Objective, ReportMember, RunSummary } from '../../../experiments/page/api.js';
import { textOf, titleOf } from '../../data/measures.js';
import { numberRow, type SideRow } from './side-by-side.js';

/** What is known of networks besides their values. */
interface Further {
  readonly title: string;
  readonly unit: Unit;
  readonly direction: Objective['direction'];
  readonly of: (trial: ReportMember) => number | null | undefined;
}

const scoresOf = (task: TaskType): readonly Further[] => {
  const { title, unit } = mainScores[task];
  return [
    { title: `final ${title}`, unit, direction: 'maximize', of: ({ final }) => final?.accuracy },
    { title: `test ${title}`, unit, direction: 'maximize', of: ({ final }) => final?.testAccuracy },
  ];
};

const costs: readonly Further[] = [
  { title: 'latency, 95th percentile', unit: 'ms', direction: 'minimize', of: ({ latency }) => latency?.p95 },
  { title: 'MACs', unit: 'count', direction: 'minimize', of: ({ costs }) => costs?.macs },
  { title: 'parameters', unit: 'count', direction: 'minimize', of: ({ costs }) => costs?.params },
  { title: 'model size', unit: 'bytes', direction: 'minimize', of: ({ costs }) => costs?.sizeBytes },
  { title: 'activation memory', unit: 'bytes', direction: 'minimize', of: ({ costs }) => costs?.activationBytes },
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
    const values = trials.map((trial) => (Object.hasOwn(trial.values, name) ? trial.values[name] : null));
    const direction = directions.get(name) ?? further.find((other) => other.title === title)?.direction;
    const isPredicted = (i: number): boolean =>
      values[i] !== null && Object.hasOwn(trials[i].provenance, name) && trials[i].provenance[name] === 'predicted';
    return numberRow(
      title,
      values,
      direction,
      (value) => textOf(measures, name, value),
      (i) => (isPredicted(i) ? 'predicted' : null),
    );
  });
  const rest = further.flatMap(({ title, unit, direction, of }) => {
    const values = trials.map((trial) => of(trial) ?? null);
    if (values.every((value) => value === null) || found.some((row) => row.title === title)) return [];
    return [numberRow(title, values, direction, (value) => valueText(unit, value))];
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
