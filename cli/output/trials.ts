import {
  collectFinals,
  collectFrontier,
  type FinalResults,
  finalTitle,
  foldsText,
  foldsTitle,
  latencyWarning,
  type LatencyWarning,
  objectiveTitle,
  objectiveValue,
  type ReportMember,
  type ReportTrial,
  type ReportVariant,
  searchTitle,
  testTitle,
} from '../../reports/index.js';
import { experimentOf, objectivesOf, taskOfRun } from '../../runner/stored/experiment.js';
import { placeText, estimateText } from '../../base/certainty.js';
import { mainScores } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { Objective } from '../../search/index.js';
import type { Store } from '../../store/index.js';
import { type Colors, type Column, renderTable, numeric, warningLine } from './terminal.js';

/** Columns of objectives by search values; latencies show whether they are measured, reliably, or predicted. */
export function objectiveColumns(objectives: readonly Objective[], colors: Colors): Column<ReportTrial>[] {
  return objectives.map(({ name }) =>
    numeric(searchTitle(name), ({ values, provenance, certainty }) => {
      const text = objectiveValue(name, values[name], certainty?.[name]);
      if (name !== 'latency_ms' || !(name in values)) return text;
      const origin = provenance[name];
      if (certainty?.[name]?.unreliable !== undefined) return `${text} ${colors.red('unreliable')}`;
      return `${text} ${origin === 'measured' ? colors.green(origin) : colors.yellow(origin)}`;
    }),
  );
}

/** Columns of final accuracy (if any) and test accuracy. */
export function finalColumns(
  task: TaskType,
  finals: FinalResults,
  objectives: readonly Objective[],
  colors: Colors,
): Column<ReportTrial>[] {
  const { all } = finals;
  if (all.length === 0) return [];
  const trained = all.some(({ accuracy, state }) => accuracy !== null || state === 'failed');
  const { unit } = mainScores[task];
  const accuracy: Column<ReportTrial> = numeric(finalTitle(task, all), (trial) => {
    const final = finals.of(trial);
    return final?.state === 'failed' ? colors.red('failed') : estimateText(unit, final?.accuracy, final?.standardError);
  });
  const ranked: Column<ReportTrial> = {
    title: 'final frontier',
    cell: (trial) => {
      const onFrontier = finals.of(trial)?.onFrontier ?? null;
      return onFrontier === null ? '-' : onFrontier ? colors.green('yes') : colors.dim('no');
    },
  };
  const crossValidated: Column<ReportTrial> = numeric(foldsTitle(task, all), (trial) =>
    foldsText(task, finals.of(trial)),
  );
  return [
    ...(trained ? [accuracy] : []),
    ...(all.some(({ folds }) => folds !== undefined) ? [crossValidated] : []),
    ...(trained ? [ranked] : []),
    numeric(testTitle(task, objectives, all), (trial) => {
      const final = finals.of(trial);
      return estimateText(unit, final?.testAccuracy, final?.testStandardError);
    }),
  ];
}

export const numberColumn: Column<ReportTrial> = numeric('trial', ({ number }) => `${number}`);

/** Precision of the values; no column in runs with fp32 only. */
export const precisionColumn = (trials: readonly ReportTrial[]): Column<ReportTrial>[] =>
  trials.some(({ precision }) => precision !== undefined)
    ? [{ title: 'precision', cell: ({ precision }) => precision ?? '-' }]
    : [];

/** Notes and tags; no columns without any. */
export const noteColumns = (trials: readonly ReportTrial[]): Column<ReportTrial>[] => [
  ...(trials.some(({ tags }) => tags !== undefined)
    ? [{ title: 'tags', cell: ({ tags = [] }: ReportTrial) => tags.join(' ') }]
    : []),
  ...(trials.some(({ note }) => note !== undefined)
    ? [{ title: 'note', cell: ({ note = '' }: ReportTrial) => note.replace(/\s+/g, ' ') }]
    : []),
];

/** Machines of the trainings; no column when only the run's own machine trained. */
export const hostColumn = (trials: readonly ReportTrial[]): Column<ReportTrial>[] =>
  trials.some(({ host }) => host !== undefined) ? [{ title: 'host', cell: ({ host }) => host ?? '-' }] : [];

/** @param isAlive whether the run goes on; otherwise its running trials wait for a resume. */
export const stateColumn = (colors: Colors, isAlive: boolean): Column<ReportTrial> => ({
  title: 'state',
  cell: ({ state }) => {
    if (state === 'running' && !isAlive) return colors.dim('interrupted');
    const paint = {
      complete: colors.green,
      failed: colors.red,
      pruned: colors.yellow,
      running: colors.cyan,
      waiting: colors.dim,
    };
    return paint[state](state);
  },
});

export const decisionColumns = (names: readonly string[]): Column<ReportTrial>[] =>
  names.map((name) => ({ title: name, cell: ({ choices }) => String(choices[name]) }));

export const reasonColumn = (trials: readonly ReportTrial[]): Column<ReportTrial>[] =>
  trials.every(({ message }) => message === null)
    ? []
    : [{ title: 'reason', cell: ({ message }) => message?.replace(/\s+/g, ' ') ?? '' }];

/** The frontier as a table, or a line that explains why there is none. */
export function frontierTable(store: Store, workdir: string, colors: Colors): string {
  const objectives = objectivesOf(store);
  const members = collectFrontier(store);
  if (members.length === 0) return 'There is no frontier yet: no trial is complete.\n';
  const columns = [
    numberColumn,
    ...precisionColumn(members),
    ...objectiveColumns(objectives, colors),
    ...(members.some(({ certainty }) => certainty !== undefined) ? [placeColumn] : []),
    ...finalColumns(taskOfRun(experimentOf(store)), collectFinals(store), objectives, colors),
    ...noteColumns(members),
  ];
  return `${renderTable(columns, members, colors)}${warningText(latencyWarning(store, workdir, members), colors)}`;
}

/** A member's place on the frontier: `sure`, or the trials that may be as good in every objective. */
const placeColumn: Column<ReportTrial> = { title: 'place', cell: placeText };

/** A warning about unreliable latencies and what to do; empty without any. */
function warningText(warning: LatencyWarning | null, colors: Colors): string {
  if (warning === null) return '';
  const { measured, unreliable, members, reason, command } = warning;
  const found = `${unreliable} of ${measured} measured latencies ${unreliable === 1 ? 'is' : 'are'} not reliable (${reason})`;
  return members === 0
    ? `\n${colors.dim(`${found}; none of them is on the frontier`)}\n`
    : `\n${warningLine(`${found}, ${members} of them on the frontier; on a quiet machine, measure it again: ${command}`, colors)}`;
}

/** Table of a trial in each precision, with verdicts; empty in runs with fp32 only. */
export function precisionsListing(task: TaskType, member: ReportMember, colors: Colors): string {
  const { variants = [], kept = {} } = member;
  const { title, unit } = mainScores[task];
  if (variants.length === 0) return '';
  const names = [...new Set(variants.flatMap(({ values }) => Object.keys(values)))];
  const paint = ({ accepted }: ReportVariant) =>
    accepted === null ? colors.dim : accepted ? colors.green : colors.yellow;
  const columns: Column<ReportVariant>[] = [
    { title: 'precision', cell: ({ precision }) => precision },
    ...names.map((name): Column<ReportVariant> =>
      numeric(objectiveTitle(name), ({ values, provenance }) => {
        const text = objectiveValue(name, values[name]);
        return name === 'latency_ms' && name in values ? `${text} ${provenance[name]}` : text;
      }),
    ),
    ...(Object.values(kept).some(({ final }) => final !== null)
      ? [
          numeric(`final ${title}`, ({ precision }: ReportVariant) => {
            const final = kept[precision]?.final;
            return estimateText(unit, final?.accuracy, final?.standardError);
          }),
          numeric(`test ${title}`, ({ precision }: ReportVariant) => {
            const final = kept[precision]?.final;
            return estimateText(unit, final?.testAccuracy, final?.testStandardError);
          }),
        ]
      : []),
    { title: 'verdict', cell: (variant) => paint(variant)(variant.verdict) },
  ];
  return `\n${colors.bold('Precisions')}\n${renderTable(columns, variants, colors)}`;
}

export function filesOf({ files, kept = {} }: ReportMember): ReportMember['files'] {
  const others = Object.values(kept).flatMap((each) => each.files);
  return [...new Map([...files, ...others].map((file) => [file.path, file])).values()];
}
