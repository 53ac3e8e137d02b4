import {
  finalTitle,
  objectiveValue,
  searchTitle,
  testTitle,
  type FinalResults,
  type ReportTrial,
} from '../../experiments/report/index.js';
import type { Objective } from '../../search/index.js';
import type { Column } from './table.js';
import type { Colors } from './terminal.js';

/** Objectives as the search found them; a latency says whether it was measured or predicted. */
export function objectiveColumns(objectives: readonly Objective[], colors: Colors): Column<ReportTrial>[] {
  return objectives.map(({ name }) => ({
    title: searchTitle(name),
    numeric: true,
    cell: ({ values, provenance }) => {
      const text = objectiveValue(name, values[name]);
      if (name !== 'latency_ms' || !(name in values)) return text;
      const origin = provenance[name];
      return `${text} ${origin === 'measured' ? colors.green(origin) : colors.yellow(origin)}`;
    },
  }));
}

/** Accuracies after the search, apart from those that steered it: of the final training (if any) and on the test split. */
export function finalColumns(
  finals: FinalResults,
  objectives: readonly Objective[],
  colors: Colors,
): Column<ReportTrial>[] {
  const { all } = finals;
  if (all.length === 0) return [];
  const trained = all.some(({ accuracy, state }) => accuracy !== null || state === 'failed');
  const share = (value: number | null | undefined): string => objectiveValue('accuracy', value);
  const final: Column<ReportTrial> = {
    title: finalTitle(all),
    numeric: true,
    cell: (trial) => {
      const final = finals.of(trial);
      return final?.state === 'failed' ? colors.red('failed') : share(final?.accuracy);
    },
  };
  const ranked: Column<ReportTrial> = {
    title: 'final frontier',
    cell: (trial) => {
      const onFrontier = finals.of(trial)?.onFrontier ?? null;
      return onFrontier === null ? '-' : onFrontier ? colors.green('yes') : colors.dim('no');
    },
  };
  return [
    ...(trained ? [final, ranked] : []),
    {
      title: testTitle(objectives, all),
      numeric: true,
      cell: (trial) => share(finals.of(trial)?.testAccuracy),
    },
  ];
}

export const numberColumn: Column<ReportTrial> = { title: 'trial', numeric: true, cell: ({ number }) => `${number}` };

/** What the values are those of; no column where a run knows fp32 only. */
export const precisionColumn = (trials: readonly ReportTrial[]): Column<ReportTrial>[] =>
  trials.some(({ precision }) => precision !== undefined)
    ? [{ title: 'precision', cell: ({ precision }) => precision ?? '-' }]
    : [];

/** Which machines trained; no column where the run's own processes did. */
export const hostColumn = (trials: readonly ReportTrial[]): Column<ReportTrial>[] =>
  trials.some(({ host }) => host !== undefined) ? [{ title: 'host', cell: ({ host }) => host ?? '-' }] : [];

export const stateColumn = (colors: Colors): Column<ReportTrial> => ({
  title: 'state',
  cell: ({ state }) => {
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

/** Why trials were pruned or failed; no column when none was. */
export const reasonColumn = (trials: readonly ReportTrial[]): Column<ReportTrial>[] =>
  trials.every(({ message }) => message === null)
    ? []
    : [{ title: 'reason', cell: ({ message }) => message?.replace(/\s+/g, ' ') ?? '' }];
