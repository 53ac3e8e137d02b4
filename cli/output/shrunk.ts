import {
  count,
  objectiveTitle,
  objectiveValue,
  shrunkRows,
  targetText,
  withinText,
  type ReportShrunk,
  type ShrunkStage,
} from '../../reports/index.js';
import { isTrainedScore } from '../../experiments/index.js';
import { mainScores, scoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import { type Colors, type Column, renderTable } from './terminal.js';

const stageColumns = <Row>(task: TaskType, stage: (row: Row) => ShrunkStage): Column<Row>[] => [
  {
    title: `validation ${mainScores[task].title}`,
    numeric: true,
    cell: (row) => scoreText(task, stage(row).accuracy),
  },
  { title: `test ${mainScores[task].title}`, numeric: true, cell: (row) => scoreText(task, stage(row).testAccuracy) },
  { title: 'MACs', numeric: true, cell: (row) => count(stage(row).macs) },
  { title: 'parameters', numeric: true, cell: (row) => count(stage(row).params) },
  { title: 'latency', numeric: true, cell: (row) => objectiveValue('latency_ms', stage(row).latency) },
];

/** One sentence on whether shrinking paid off. */
function verdict({ alternative, tuned, target, task }: ReportShrunk): string {
  const within = withinText[target.objective];
  if (alternative?.accuracy == null || tuned.accuracy === null) return `No other trial of this run is ${within}.`;
  const difference = Math.abs(alternative.accuracy - tuned.accuracy);
  const { title, unit } = mainScores[task];
  const than = alternative.accuracy > tuned.accuracy ? 'more' : 'less';
  const how =
    unit === 'share' ? `${(100 * difference).toFixed(2)} points ${than}` : `${difference.toFixed(4)} ${than} ${title}`;
  const noise = difference < 0.01 ? '; so little may be noise' : '';
  const kind = objectiveTitle(alternative.measure);
  return (
    `Trial ${alternative.trial} of the space, ${within}, has ${how} on the ` +
    `validation images${noise}.${isTrainedScore(alternative.measure) ? '' : ` Its ${title} is ${kind}: trained as long, it may have more.`}`
  );
}

const rowColumns = (task: TaskType): readonly Column<ShrunkStage>[] => [
  { title: 'network', cell: ({ title }) => title },
  ...stageColumns(task, (stage: ShrunkStage) => stage),
];

/** Table of a shrunk network, its parent and the best alternative. */
export const shrunkTable = (shrunk: ReportShrunk, colors: Colors): string =>
  `${renderTable(rowColumns(shrunk.task), shrunkRows(shrunk), colors)}\n${verdict(shrunk)}\n`;

const listColumns = (task: TaskType): readonly Column<ReportShrunk>[] => [
  { title: 'shrunk', numeric: true, cell: ({ number }) => String(number) },
  { title: 'from', cell: ({ parent }) => `trial ${parent}` },
  { title: 'cut to', cell: ({ target }) => targetText(target) },
  { title: 'state', cell: ({ state }) => state },
  ...stageColumns(task, ({ tuned }: ReportShrunk) => tuned),
];

/** Table of all shrunk networks of a run; empty when there are none. */
export const shrunkListing = (all: readonly ReportShrunk[], colors: Colors): string =>
  all.length === 0 ? '' : `\n${colors.bold('Shrunk networks')}\n${renderTable(listColumns(all[0].task), all, colors)}`;
