import { bytes, ms, percent } from '../../base/number-text.js';
import { mainScores, scoreChange, scoreText } from '../../base/scores.js';
import { speedupOf } from '../../runner/compress/gates.js';
import type { BeforeAfter, QuantizedReport, ShownFloat } from '../../runner/models/quantize-file.js';
import { type Colors, type Column, renderFacts, renderTable, numeric } from './terminal.js';

type Latency = QuantizedReport['latency']['fp32'];

const inBoth = ({ fp32, int8 }: BeforeAfter<Latency>) => ({ fp32: fp32.ms, int8: int8.ms });

interface Row {
  readonly what: string;
  readonly before: string;
  readonly after: string;
  readonly change?: string;
}

const columns: readonly Column<Row>[] = [
  { title: '', cell: ({ what }) => what },
  numeric('fp32', ({ before }) => before),
  numeric('int8', ({ after }) => after),
  { title: '', cell: ({ change }) => change ?? '' },
];

const sizeChange = ({ fp32, int8 }: BeforeAfter<number>): string =>
  int8 <= fp32 ? `${(fp32 / int8).toFixed(1)} × smaller` : `${(int8 / fp32).toFixed(1)} × larger`;

function rows({ task, accuracy, latency, bytes: size, weightBits }: QuantizedReport): Row[] {
  const accuracyRow = (what: string, { fp32, int8 }: BeforeAfter<number>): Row => ({
    what,
    before: scoreText(task, fp32),
    after: scoreText(task, int8),
    change: scoreChange(task, int8 - fp32),
  });
  const within = ({ interval: [low, high] }: Latency): string => `${ms(low)} to ${ms(high)}`;
  return [
    accuracyRow(`validation ${mainScores[task].title}`, accuracy.validation),
    accuracyRow(`test ${mainScores[task].title}`, accuracy.test),
    {
      what: 'latency',
      before: ms(latency.fp32.ms),
      after: ms(latency.int8.ms),
      change: `${speedupOf(inBoth(latency)).toFixed(2)} × as fast`,
    },
    { what: '95 % interval', before: within(latency.fp32), after: within(latency.int8) },
    {
      what: 'file',
      before: bytes(size.fp32),
      after: bytes(size.int8),
      change: sizeChange(size),
    },
    { what: 'weights', before: '32 bits', after: `${weightBits} bits` },
  ];
}

const sums = {
  exact: 'exact',
  saturating: 'saturate in 16 bits (no VNNI): weights of 7 bits are exact, of 8 bits are not',
} as const;

const floatColumns = (latency: Latency): readonly Column<ShownFloat>[] => [
  { title: 'operator', cell: ({ operator }) => operator },
  { title: 'node', cell: ({ node }) => node },
  numeric('share of the time', ({ ms: spent }) => (spent === null ? '-' : percent(Math.min(1, spent / latency.ms)))),
  { title: 'why', cell: ({ reason }) => reason ?? '' },
];

export function quantizedTable(report: QuantizedReport, colors: Colors): string {
  const { model, output, device, integers, method, tried, images, floats, pays, verdict } = report;
  const trials = tried.map((one) => `${one.method} ${scoreText(report.task, one.accuracy)}`).join(', ');
  const facts = renderFacts(
    [
      ['model', model],
      ['int8 model', output],
      ['calibration', `${method} (validation ${mainScores[report.task].title}: ${trials}), ${images} training images`],
      ['device', device],
      integers !== null && ['sums of bytes', sums[integers]],
    ],
    colors,
  );
  const inFloat =
    floats.length === 0
      ? ''
      : `\n${colors.bold('Stays in float')}\n${renderTable(floatColumns(report.latency.int8), floats, colors)}`;
  const paint = pays ? colors.green : colors.yellow;
  return `${facts}\n${renderTable(columns, rows(report), colors)}${inFloat}\n${paint(verdict)}\n`;
}
