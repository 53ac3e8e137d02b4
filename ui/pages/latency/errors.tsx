import { judgedPairs } from '../../../base/certainty.js';
import { ms, percent } from '../../../base/number-text.js';
import type { DatedPrediction } from '../../../reports/page/api.js';
import { Tag, Time } from '../../components/elements.js';
import { TrialLink } from '../../components/run-status.js';
import { numberColumn, Table, type Column } from '../../components/table.js';

/** The number of measurements in the rolling mean. */
export const averaged = 10;

type Pair = Pick<DatedPrediction, 'predicted' | 'measured' | 'unreliable'>;

/** The error as a share of the measured latency; positive when the prediction was too high. */
export const errorOf = ({ predicted, measured }: Pair): number => (predicted - measured) / measured;

/**
 * For each measurement, the mean absolute error of it and those before it, at most `averaged`. Unreliable measurements
 * do not count where there are enough others; null before the first one that counts.
 */
export function rollingErrors(pairs: readonly Pair[]): readonly (number | null)[] {
  const counted = new Set(judgedPairs(pairs));
  const late: number[] = [];
  return pairs.map((pair) => {
    if (counted.has(pair)) late.push(Math.abs(errorOf(pair)));
    if (late.length > averaged) late.shift();
    return late.length === 0 ? null : late.reduce((sum, error) => sum + error, 0) / late.length;
  });
}

/** Whether the network has parts that the model had not measured. */
export const extrapolates = ({ coverage }: Pick<DatedPrediction, 'coverage'>): boolean => coverage < 1;

/** How many measurements that count are within two standard deviations of their predictions: `10 of 12`; null without any. */
export function withinTwo(pairs: readonly (Pair & Pick<DatedPrediction, 'std'>)[]): string | null {
  if (pairs.length === 0) return null;
  const counted = judgedPairs(pairs);
  const within = counted.filter(({ predicted, measured, std }) => Math.abs(predicted - measured) <= 2 * std);
  return `${within.length} of ${counted.length}`;
}

const signed = (share: number): string => `${share > 0 ? '+' : ''}${percent(share)}`;

interface Props {
  readonly pairs: readonly DatedPrediction[];
  readonly severalPrecisions: boolean;
}

export function PairTable({ pairs, severalPrecisions }: Props) {
  const precisionColumn: Column<DatedPrediction> = { title: 'precision', cell: ({ precision }) => precision };
  const columns: readonly Column<DatedPrediction>[] = [
    {
      title: 'network',
      heading: true,
      cell: ({ trial }) => (trial === null ? 'of no trial' : <TrialLink number={trial} />),
    },
    ...(severalPrecisions ? [precisionColumn] : []),
    { title: 'predicted', numeric: true, cell: ({ predicted, std }) => `${ms(predicted)} ± ${ms(std)}` },
    numberColumn('measured', ({ measured, unreliable }) => (
      <span title={unreliable}>
        {ms(measured)} {unreliable !== undefined && <Tag text="unreliable" />}
      </span>
    )),
    { title: 'error', numeric: true, cell: (pair) => signed(errorOf(pair)) },
    numberColumn(
      'covered',
      (pair) => `${Math.round(100 * pair.coverage)} %${extrapolates(pair) ? ' (extrapolated)' : ''}`,
    ),
    { title: 'measured at', cell: ({ at }) => <Time at={at} /> },
  ];
  return <Table label="Predicted and measured latencies" columns={columns} rows={pairs.toReversed()} />;
}
