import {
  count,
  objectiveTitle,
  objectiveValue,
  shrunkRows,
  targetText,
  withinText,
  type ReportShrunk,
  type ShrunkStage,
} from '../../experiments/report/index.js';
import { type Colors, type Column, renderTable } from './terminal.js';

const share = (value: number | null): string => objectiveValue('accuracy', value);

const stageColumns = <Row>(stage: (row: Row) => ShrunkStage): Column<Row>[] => [
  { title: 'validation accuracy', numeric: true, cell: (row) => share(stage(row).accuracy) },
  { title: 'test accuracy', numeric: true, cell: (row) => share(stage(row).testAccuracy) },
  { title: 'MACs', numeric: true, cell: (row) => count(stage(row).macs) },
  { title: 'parameters', numeric: true, cell: (row) => count(stage(row).params) },
  { title: 'latency', numeric: true, cell: (row) => objectiveValue('latency_ms', stage(row).latency) },
];

/** One sentence on whether shrinking paid off. */
function verdict({ alternative, tuned, target }: ReportShrunk): string {
  const within = withinText[target.objective];
  if (alternative?.accuracy == null || tuned.accuracy === null) return `No other trial of this run is ${within}.`;
  const points = 100 * (alternative.accuracy - tuned.accuracy);
  const than = points > 0 ? 'more' : 'less';
  const noise = Math.abs(points) < 1 ? '; so little may be noise' : '';
  const kind = objectiveTitle(alternative.measure);
  return (
    `Trial ${alternative.trial} of the space, ${within}, has ${Math.abs(points).toFixed(2)} points ${than} on the ` +
    `validation images${noise}.${alternative.measure === 'accuracy' ? '' : ` Its accuracy is ${kind}: trained as long, it may have more.`}`
  );
}

const rowColumns: readonly Column<ShrunkStage>[] = [
  { title: 'network', cell: ({ title }) => title },
  ...stageColumns((stage: ShrunkStage) => stage),
];

/** Table of a shrunk network, its parent and the best alternative. */
export const shrunkTable = (shrunk: ReportShrunk, colors: Colors): string =>
  `${renderTable(rowColumns, shrunkRows(shrunk), colors)}\n${verdict(shrunk)}\n`;

const listColumns: readonly Column<ReportShrunk>[] = [
  { title: 'shrunk', numeric: true, cell: ({ number }) => String(number) },
  { title: 'from', cell: ({ parent }) => `trial ${parent}` },
  { title: 'cut to', cell: ({ target }) => targetText(target) },
  { title: 'state', cell: ({ state }) => state },
  ...stageColumns(({ tuned }: ReportShrunk) => tuned),
];

/** Table of all shrunk networks of a run; empty when there are none. */
export const shrunkListing = (all: readonly ReportShrunk[], colors: Colors): string =>
  all.length === 0 ? '' : `\n${colors.bold('Shrunk networks')}\n${renderTable(listColumns, all, colors)}`;
