import { count, valueText } from '../../base/number-text.js';
import { mainScores, scoreText } from '../../base/scores.js';
import { targetText } from '../../runner/shrink/cut.js';
import type { ShrunkReport, ShrunkStage } from '../../runner/shrink/shrink-file.js';
import { type Colors, renderFacts, renderTable } from './terminal.js';

type Row = ShrunkStage & { readonly title: string };

/** The network as it was, as it was cut, and after the fine-tuning. */
export function shrunkTable(
  { task, whole, cut, tuned, ...report }: ShrunkReport,
  output: string,
  colors: Colors,
): string {
  const { title } = mainScores[task];
  const facts: [string, string][] = [
    ['model', report.model],
    ['shrunk model', output],
    ...(report.device === null ? [] : [['device', report.device] satisfies [string, string]]),
  ];
  const rows: Row[] = [
    { title: 'as it was', ...whole },
    { title: `cut to ${targetText(report.target)}`, ...cut },
    { title: 'fine-tuned', ...tuned },
  ];
  const table = renderTable<Row>(
    [
      { title: '', cell: (row) => row.title },
      { title: `validation ${title}`, numeric: true, cell: ({ validation }) => scoreText(task, validation) },
      { title: `test ${title}`, numeric: true, cell: ({ test }) => scoreText(task, test) },
      { title: 'MACs', numeric: true, cell: ({ macs }) => count(macs) },
      { title: 'parameters', numeric: true, cell: ({ params }) => count(params) },
      { title: 'latency', numeric: true, cell: ({ latency }) => valueText('ms', latency) },
    ],
    rows,
    colors,
  );
  return `${renderFacts(facts, colors)}\n${table}`;
}
