import { ms, percent } from '../../../base/number-text.js';
import type { DatedPrediction } from '../../../experiments/page/api.js';
import { Tag, Time } from '../../components/elements.js';
import { TrialLink } from '../../components/run-status.js';
import { Table, type Column } from '../../components/table.js';

/** The number of measurements in the rolling mean. */
export const averaged = 10;

type Pair = Pick<DatedPrediction, 'predicted' | 'measured'>;

/** The error as a share of the measured latency; positive when the prediction was too high. */
export const errorOf = ({ predicted, measured }: Pair): number => (predicted - measured) / measured;

/** For each measurement, the mean absolute error of it and those before it, at most `averaged`. */
export function rollingErrors(pairs: readonly Pair[]): readonly number[] {
  return pairs.map((_, i) => {
    const late = pairs.slice(Math.max(0, i + 1 - averaged), i + 1);
    return late.reduce((sum, pair) => sum + Math.abs(errorOf(pair)), 0) / late.length;
  });
}

/** Whether the network has parts that the model had not measured. */
export const extrapolates = ({ coverage }: Pick<DatedPrediction, 'coverage'>): boolean => coverage < 1;

/** How many predictions are within two predicted standard deviations: `10 of 12`; null without any. */
export function withinTwo(pairs: readonly Pick<DatedPrediction, 'predicted' | 'measured' | 'std'>[]): string | null {
  if (pairs.length === 0) return null;
  const within = pairs.filter(({ predicted, measured, std }) => Math.abs(predicted - measured) <= 2 * std);
  return `${within.length} of ${pairs.length}`;
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
    {
      title: 'measured',
      numeric: true,
      cell: ({ measured, unreliable }) => (
        <span title={unreliable}>
          {ms(measured)} {unreliable !== undefined && <Tag text="unreliable" />}
        </span>
      ),
    },
    { title: 'error', numeric: true, cell: (pair) => signed(errorOf(pair)) },
    {
      title: 'covered',
      numeric: true,
      cell: (pair) => `${Math.round(100 * pair.coverage)} %${extrapolates(pair) ? ' (extrapolated)' : ''}`,
    },
    { title: 'measured at', cell: ({ at }) => <Time at={at} /> },
  ];
  return <Table label="Predicted and measured latencies" columns={columns} rows={pairs.toReversed()} />;
}
