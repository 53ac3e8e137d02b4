import type { ReportData, ShrunkStage } from '../data.js';
import { count, objectiveValue } from '../format.js';
import { shrunkRows } from '../shrunk.js';
import { html, type Markup } from './markup.js';
import { table, type Column } from './table.js';

const columns: readonly Column<ShrunkStage>[] = [
  { title: 'network', cell: ({ title }) => title },
  {
    title: 'validation accuracy',
    numeric: true,
    cell: (stage) => objectiveValue('accuracy', stage.accuracy),
  },
  { title: 'test accuracy', numeric: true, cell: (stage) => objectiveValue('accuracy', stage.testAccuracy) },
  { title: 'MACs', numeric: true, cell: (stage) => count(stage.macs) },
  { title: 'parameters', numeric: true, cell: (stage) => count(stage.params) },
  { title: 'latency', numeric: true, cell: (stage) => objectiveValue('latency_ms', stage.latency) },
];

/** Networks that were cut out of trained ones, each beside what the space offers for as much; null without any. */
export function shrunkNetworks({ shrunk }: ReportData): Markup | null {
  const complete = shrunk.filter(({ state }) => state === 'complete');
  if (complete.length === 0) return null;
  return html`<section id="shrunk">
    <h2>Shrunk networks</h2>
    ${table(columns, complete.flatMap(shrunkRows))}
    <p class="note">
      Channels of a trained network were cut, and what was left was fine-tuned, taught by the network that it was. These
      are no members of the space and on no frontier. Latencies were measured side by side; the last row of each is the
      most accurate trial of this run that takes no more.
    </p>
  </section>`;
}
