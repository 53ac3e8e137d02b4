import { ms, percent } from '../../../base/number-text.js';
import type { DatedPrediction } from '../../../experiments/page/api.js';
import { Table, type Column } from '../../components/table.js';
import { Time } from '../../components/time.js';
import { errorOf, extrapolates } from './errors.js';

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
