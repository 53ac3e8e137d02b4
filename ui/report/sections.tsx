import type {
  PrecisionsReport,
  PredictionReport,
  ReportData,
  ReportShrunk,
  ReportTrial,
  ShrunkStage,
} from '../../experiments/page/api.js';
import { Drawn, qualityTexts, renderPrediction } from './pictures.js';
import { cssTheme } from '../report-style.js';
import { count, points, times, valueText } from '../../base/number-text.js';
import { Card, Facts } from '../components/elements.js';
import { Table, type Column } from '../components/table.js';
import { textOf, titleOf } from '../data/measures.js';

/** How good each precision's latency model was; nothing where a run knows fp32 only. */
const ownQualities = (report: PredictionReport): string =>
  report.precisions === undefined
    ? ''
    : ` Each precision has a latency model of its own. ${qualityTexts(report).join('. ')}.`;

/** Latencies that were predicted against those that were measured; nothing where there are too few. */
export function LatencySection({ report }: { readonly report: PredictionReport }) {
  if (report.pairs.length < 2) return null;
  return (
    <section>
      <h2>Latency model</h2>
      <Drawn svg={renderPrediction(report, cssTheme)} />
      <p class="note">
        Each point is a network that was first predicted and then measured on the device. Mean absolute percentage error{' '}
        {report.mape.toFixed(1)} %, Spearman's rank correlation {report.spearman?.toFixed(3) ?? 'unknown'}.
        {ownQualities(report)}
      </p>
    </section>
  );
}

/** What eight bits came to in a run. */
export function PrecisionsSection({ precisions }: { readonly precisions: PrecisionsReport }) {
  const { judged, chosen, rejections, speedup, accuracyChange } = precisions;
  return (
    <section id="precisions">
      <h2>Precisions</h2>
      <Facts
        entries={[
          ['int8 chosen', `for ${chosen} of ${judged} trials in which it was judged`],
          ['not accepted', rejections.length === 0 ? 'none' : rejections.join(', ')],
          ['median speed', speedup === null ? '-' : `${times(speedup)} as fast as fp32`],
          ['median change of accuracy', accuracyChange === null ? '-' : points(accuracyChange)],
        ]}
      />
      <p class="note">
        Each trial is trained once and judged in both precisions: int8 is accepted where it is measured to be faster and
        loses little accuracy on the validation images. Speed is that of the trials in which both were measured,
        accuracy that of those that were quantized.
      </p>
    </section>
  );
}

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
