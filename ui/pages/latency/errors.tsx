import type { DatedPrediction } from '../../../experiments/page/api.js';
import { ms, percent } from '../../../base/number-text.js';
import { Table, type Column } from '../../components/table.js';
import { Time } from '../../components/elements.js';

/** Measurements that are averaged for the error of late. */
export const averaged = 10;

type Pair = Pick<DatedPrediction, 'predicted' | 'measured'>;

/** How far a prediction was off, as a share of what was measured; above 0: too high. */
export const errorOf = ({ predicted, measured }: Pair): number => (predicted - measured) / measured;

/** The mean error without its sign of each measurement and those before it, `averaged` at most. */
export function rollingErrors(pairs: readonly Pair[]): readonly number[] {
  return pairs.map((_, i) => {
    const late = pairs.slice(Math.max(0, i + 1 - averaged), i + 1);
    return late.reduce((sum, pair) => sum + Math.abs(errorOf(pair)), 0) / late.length;
  });
}

/** Whether the model knew too little of what the network is made of. */
export const extrapolates = ({ coverage }: Pick<DatedPrediction, 'coverage'>): boolean => coverage < 1;

/** The share of predictions that were off by at most two of the deviations that the model gave; null without any. */
export function withinTwo(pairs: readonly Pick<DatedPrediction, 'predicted' | 'measured' | 'std'>[]): number | null {
  if (pairs.length === 0) return null;
  const within = pairs.filter(({ predicted, measured, std }) => Math.abs(predicted - measured) <= 2 * std);
  return within.length / pairs.length;
}

interface Props {
  /** Address of the run. */
  readonly base: string;
  readonly pairs: readonly DatedPrediction[];
  readonly severalPrecisions: boolean;
}

const signed = (share: number): string => `${share > 0 ? '+' : ''}${percent(share)}`;

/** Every latency that was predicted and then measured, the newest first. */
export function PairTable({ base, pairs, severalPrecisions }: Props) {
  const columns: readonly Column<DatedPrediction>[] = [
    {
      title: 'network',
      heading: true,
      cell: ({ trial }) => (trial === null ? 'of no trial' : <a href={`${base}/trials/${trial}`}>#{trial}</a>),
    },
    ...(severalPrecisions
      ? [{ title: 'precision', cell: ({ precision }) => precision } satisfies Column<DatedPrediction>]
      : []),
    { title: 'predicted', numeric: true, cell: ({ predicted, std }) => `${ms(predicted)} ± ${ms(std)}` },
    { title: 'measured', numeric: true, cell: ({ measured }) => ms(measured) },
    { title: 'error', numeric: true, cell: (pair) => signed(errorOf(pair)) },
    {
      title: 'covered',
      numeric: true,
      cell: (pair) => `${percent(pair.coverage)}${extrapolates(pair) ? ' (extrapolated)' : ''}`,
    },
    {
      title: 'measured at',
      cell: ({ at }) => <Time at={at} />,
    },
  ];
  return <Table label="Predicted and measured latencies" columns={columns} rows={pairs.toReversed()} />;
}
