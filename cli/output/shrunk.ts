import { count, valueText } from '../../base/number-text.js';
import { mainScores, scoreText } from '../../base/scores.js';
import { targetText } from '../../runner/shrink/cut.js';
import type { ShrunkReport, ShrunkStage } from '../../runner/shrink/shrink-file.js';
import { type Colors, type Fact, numeric, renderFacts, renderTable } from './terminal.js';

type Row = ShrunkStage & { readonly title: string };

/** The network as it was, as it was cut, and after the fine-tuning. */
export function shrunkTable(
  { task, whole, cut, tuned, ...report }: ShrunkReport,
  output: string,
  colors: Colors,
): string {
  const { title } = mainScores[task];
  const facts: Fact[] = [
    ['model', report.model],
    ['shrunk model', output],
    ...(report.device === null ? [] : [['device', report.device] satisfies Fact]),
  ];
  const rows: Row[] = [
    { title: 'as it was', ...whole },
    { title: `cut to ${targetText(report.target)}`, ...cut },
    { title: 'fine-tuned', ...tuned },
  ];
  const table = renderTable<Row>(
    [
      { title: '', cell: (row) => row.title },
      numeric(`validation ${title}`, ({ validation }) => scoreText(task, validation)),
      numeric(`test ${title}`, ({ test }) => scoreText(task, test)),
      numeric('MACs', ({ macs }) => count(macs)),
      numeric('parameters', ({ params }) => count(params)),
      numeric('latency', ({ latency }) => valueText('ms', latency)),
    ],
    rows,
    colors,
  );
  return `${renderFacts(facts, colors)}\n${table}`;
}
