import { count, valueText } from '../../base/number-text.js';
import type { ReportShrunk, ShrunkStage } from '../../experiments/page/api.js';
import { Table, type Column } from '../components/table.js';

const columns: readonly Column<ShrunkStage>[] = [
  { title: 'network', heading: true, cell: ({ title }) => title },
  { title: 'validation accuracy', numeric: true, cell: ({ accuracy }) => valueText('share', accuracy) },
  { title: 'test accuracy', numeric: true, cell: ({ testAccuracy }) => valueText('share', testAccuracy) },
  { title: 'MACs', numeric: true, cell: ({ macs }) => count(macs) },
  { title: 'parameters', numeric: true, cell: ({ params }) => count(params) },
  { title: 'latency', numeric: true, cell: ({ latency }) => valueText('ms', latency) },
];

/** A shrunk network beside the one that it came from, and beside what the space itself offers for as much. */
const stagesOf = ({ from, cut, tuned, alternative }: ReportShrunk): ShrunkStage[] => [
  from,
  cut,
  tuned,
  ...(alternative === null ? [] : [alternative]),
];

/** Networks that were cut out of trained ones, each beside what the space offers for as much; nothing without any. */
export function ShrunkSection({ shrunk }: { readonly shrunk: readonly ReportShrunk[] }) {
  const complete = shrunk.filter(({ state }) => state === 'complete');
  if (complete.length === 0) return null;
  return (
    <section id="shrunk">
      <h2>Shrunk networks</h2>
      <Table columns={columns} rows={complete.flatMap(stagesOf)} label="Shrunk networks" />
      <p class="note">
        Channels of a trained network were cut, and what was left was fine-tuned, taught by the network that it was.
        These are no members of the space and on no frontier. Latencies were measured side by side; the last row of each
        is the most accurate trial of this run that takes no more.
      </p>
    </section>
  );
}
