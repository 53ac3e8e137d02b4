import type { PredictionReport, ReportData, ReportShrunk, ReportTrial, ShrunkStage } from '../../reports/page/api.js';
import { Drawn, qualityTexts, renderPrediction } from './pictures.js';
import { cssTheme } from '../report-style.js';
import { count, times, valueText } from '../../base/number-text.js';
import { mainScores, scoreChange, scoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import { Card, Facts } from '../components/elements.js';
import { numberColumn, Table, type Column } from '../components/table.js';
import { textOf, titleOf } from '../data/measures.js';

const reliableOnly = 'The error and the correlation are over reliable measurements only; dashed marks are the others.';

/** Predicted against measured latencies; nothing with fewer than two. */
export function LatencySection({ report }: { readonly report: PredictionReport }) {
  if (report.pairs.length < 2) return null;
  return (
    <section>
      <h2>Latency model</h2>
      <Drawn svg={renderPrediction(report, cssTheme)} />
      <p class="note">
        Each point is a network whose latency was predicted, then measured on the device.{' '}
        {report.precisions !== undefined && 'Each precision has a latency model of its own. '}
        {qualityTexts(report).join('. ')}.{' '}
        {report.unreliable === 0 && report.count < report.pairs.length && reliableOnly}
      </p>
    </section>
  );
}

export function PrecisionsSection({ run: { task }, precisions }: Pick<ReportData, 'run' | 'precisions'>) {
  if (precisions === undefined) return null;
  const score = mainScores[task].title;
  const { judged, chosen, rejections, speedup, accuracyChange } = precisions;
  return (
    <section id="precisions">
      <h2>Precisions</h2>
      <Facts
        entries={[
          ['int8 chosen', `for ${chosen} of ${judged} judged trials`],
          ['not accepted', rejections.length === 0 ? 'none' : rejections.join(', ')],
          ['median speed', speedup === null ? '-' : `${times(speedup)} as fast as fp32`],
          [`median change of ${score}`, accuracyChange === null ? '-' : scoreChange(task, accuracyChange)],
        ]}
      />
      <p class="note">
        Each trial is trained once and judged in both precisions: int8 is accepted where it measures faster and loses
        little validation {score}. Speed is the median over trials measured in both precisions, {score} over quantized
        trials.
      </p>
    </section>
  );
}

const columnsOf = (task: TaskType): readonly Column<ShrunkStage>[] => [
  { title: 'network', heading: true, cell: ({ title }) => title },
  { title: `validation ${mainScores[task].title}`, numeric: true, cell: ({ accuracy }) => scoreText(task, accuracy) },
  { title: `test ${mainScores[task].title}`, numeric: true, cell: ({ testAccuracy }) => scoreText(task, testAccuracy) },
  { title: 'MACs', numeric: true, cell: ({ macs }) => count(macs) },
  { title: 'parameters', numeric: true, cell: ({ params }) => count(params) },
  { title: 'latency', numeric: true, cell: ({ latency }) => valueText('ms', latency) },
];

/** The stages of a shrunk network, and the best trial with the same latency. */
const stagesOf = ({ from, cut, tuned, alternative }: ReportShrunk): ShrunkStage[] =>
  [from, cut, tuned, alternative].filter((stage) => stage !== null);

/** Networks cut out of trained ones; nothing without any. */
export function ShrunkSection({ shrunk }: { readonly shrunk: readonly ReportShrunk[] }) {
  const complete = shrunk.filter(({ state }) => state === 'complete');
  if (complete.length === 0) return null;
  return (
    <section id="shrunk">
      <h2>Shrunk networks</h2>
      <Table columns={columnsOf(complete[0].task)} rows={complete.flatMap(stagesOf)} label="Shrunk networks" />
      <p class="note">
        Channels of a trained network were removed, and the rest was fine-tuned with the original as teacher. These
        networks are not part of the space, nor of a frontier. Latencies were measured side by side; the last row of
        each is the most accurate trial of this run that is not slower.
      </p>
    </section>
  );
}

/** The most rows of the table; `nas trials` lists all. */
const mostRows = 500;

/** Pruned and failed trials with their reasons; nothing without any. */
export function GivenUp({ data: { trials, objectives, measures } }: { readonly data: ReportData }) {
  const rows = trials.filter(({ state, message }) => (state === 'pruned' || state === 'failed') && message !== null);
  if (rows.length === 0) return null;
  const columns: readonly Column<ReportTrial>[] = [
    { title: 'trial', numeric: true, heading: true, cell: ({ number }) => number },
    { title: 'state', cell: ({ state }) => state },
    ...objectives.map(({ name }): Column<ReportTrial> =>
      numberColumn(titleOf(measures, name), ({ values }) => textOf(measures, name, values[name])),
    ),
    { title: 'reason', cell: ({ message }) => message },
  ];
  return (
    <Card id="given-up" title="Given up" summary={`${rows.length} trials, and why`}>
      <p class="note">
        A trial that was stopped early has the values of its shorter training.
        {rows.length > mostRows && ` The first ${mostRows} are shown; nas trials lists all.`}
      </p>
      <Table columns={columns} rows={rows.slice(0, mostRows)} label="Trials that were given up" />
    </Card>
  );
}
