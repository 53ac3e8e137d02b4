import type { PredictionReport, ReportData, ReportTrial } from '../../reports/page/api.js';
import { Drawn, qualityTexts, renderPrediction } from './pictures.js';
import { cssTheme } from '../report-style.js';
import { times } from '../../base/number-text.js';
import { mainScores, scoreChange } from '../../base/scores.js';
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
