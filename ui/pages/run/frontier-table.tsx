import type { CandidateKey } from '../../../experiments/page/api.js';
import { percent } from '../../../base/number-text.js';
import { useRun } from '../../app/current-run.js';
import { Table, type Column } from '../../components/table.js';
import { trialAddress } from '../../data/addresses.js';
import { textOf, titleOf } from '../../data/text.js';

/** The networks of the frontier, and which of their values were predicted. */
export function FrontierTable() {
  const {
    live: { id, candidates, frontier, version },
    info: { objectives, measures, precisions },
  } = useRun();
  const rows = version.value === 0 ? [] : frontier.value;
  const final = ({ number, precision }: CandidateKey): number | null =>
    candidates.finalAccuracy[candidates.rowOf({ number, precision }) ?? -1] ?? null;
  const columns: readonly Column<CandidateKey>[] = [
    {
      title: 'trial',
      heading: true,
      cell: ({ number }) => <a href={trialAddress(id, number)}>#{number}</a>,
    },
    ...(precisions === null
      ? []
      : [{ title: 'precision', cell: ({ precision }: CandidateKey) => precision } satisfies Column<CandidateKey>]),
    ...objectives.map(({ name }): Column<CandidateKey> => ({
      title: titleOf(measures, name),
      numeric: true,
      cell: (key) => {
        const row = candidates.rowOf(key) ?? -1;
        const text = textOf(measures, name, candidates.values.get(name)?.[row]);
        return candidates.provenance.get(name)?.[row] === 'predicted' ? `${text} (predicted)` : text;
      },
    })),
    ...(rows.some((key) => final(key) !== null)
      ? [
          {
            title: 'final accuracy',
            numeric: true,
            cell: (key) => {
              const value = final(key);
              return value === null ? '-' : percent(value);
            },
          } satisfies Column<CandidateKey>,
        ]
      : []),
  ];
  return <Table columns={columns} rows={rows} label="Networks of the frontier" />;
}
