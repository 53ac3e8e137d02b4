import type { ReportData, ReportTrial } from '../../experiments/page/api.js';
import { Card } from '../components/card.js';
import { Table, type Column } from '../components/table.js';
import { textOf, titleOf } from '../data/text.js';

/** Rows of the table; `nas trials` lists all. */
const mostRows = 500;

/** The trials that ended before they were trained to their end, each with its reason and what is known; nothing without any. */
export function GivenUp({ data: { trials, objectives, measures } }: { readonly data: ReportData }) {
  const rows = trials.filter(({ state, message }) => (state === 'pruned' || state === 'failed') && message !== null);
  if (rows.length === 0) return null;
  const columns: readonly Column<ReportTrial>[] = [
    { title: 'trial', numeric: true, heading: true, cell: ({ number }) => number },
    { title: 'state', cell: ({ state }) => state },
    ...objectives.map(({ name }): Column<ReportTrial> => ({
      title: titleOf(measures, name),
      numeric: true,
      cell: ({ values }) => textOf(measures, name, values[name]),
    })),
    { title: 'reason', cell: ({ message }) => message },
  ];
  return (
    <Card id="given-up" title="Given up" summary={`${rows.length} trials, and why`}>
      <p class="note">
        Values of a trial that was stopped early are those of its shorter training.
        {rows.length > mostRows && ` The first ${mostRows} are shown; nas trials lists all.`}
      </p>
      <Table columns={columns} rows={rows.slice(0, mostRows)} label="Trials that were given up" />
    </Card>
  );
}
