import { useMemo } from 'preact/hooks';
import type {
  DatedPrediction,
  PredictionQuality,
  PredictionReport,
  PredictionsAnswer,
} from '../../../reports/page/api.js';
import { useOpenTrial, useRun, useRunAnswer } from '../../data/hooks.js';
import { legendStyle } from '../../charts/frame.js';
import { predictionErrorsOption, predictionOption, type DrawnPair } from '../../charts/prediction.js';
import type { ChartTheme } from '../../charts/theme.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { LatencyWarning } from '../../components/latency-warning.js';
import { tileOf, Tiles, type TileText } from '../../components/elements.js';
import { Table } from '../../components/table.js';
import { averaged, extrapolates, PairTable, rollingErrors, withinTwo } from './errors.js';

/** Seconds until the predictions of a running search are refreshed. */
const age = 10;

const noPairs: readonly DatedPrediction[] = [];

/** A mean error in percent with its standard error. */
const mapeText = ({ mape, mapeError }: PredictionQuality): string => `${mape.toFixed(1)} % ± ${mapeError.toFixed(1)}`;

const overText = ({ count, unreliable }: PredictionQuality): string =>
  unreliable === 0 ? `over ${count} reliable measurements` : `over ${count} measurements, ${unreliable} not reliable`;

function tilesOf({ report, pairs, extrapolated }: PredictionsAnswer): readonly TileText[] {
  const within = withinTwo(pairs);
  const spearman = report?.spearman ?? null;
  const over = report === null ? '' : overText(report);
  return [
    ...tileOf(pairs.length.toLocaleString('en-US'), 'predicted, then measured'),
    ...tileOf(report && mapeText(report), `mean absolute percentage error, ${over}`),
    ...tileOf(spearman?.toFixed(2), `Spearman's rank correlation, ${over}`),
    ...tileOf(within, `within two predicted standard deviations${over === '' ? '' : `, ${over}`}`),
    ...tileOf(extrapolated.toLocaleString('en-US'), 'extrapolated trials'),
  ];
}

function ByPrecision({ precisions }: Pick<PredictionReport, 'precisions'>) {
  if (precisions === undefined) return null;
  return (
    <section class="wide">
      <h3>By precision</h3>
      <Table
        label="Quality of the latency model by precision"
        rows={precisions}
        columns={[
          { title: 'precision', heading: true, cell: ({ precision }) => precision },
          { title: 'measurements', cell: (each) => overText(each).replace('over ', '') },
          { title: 'error', numeric: true, cell: mapeText },
          { title: 'rank correlation', numeric: true, cell: ({ spearman }) => spearman?.toFixed(2) ?? '-' },
        ]}
      />
    </section>
  );
}

/** The errors in the order of measurement, with their rolling mean. */
function errorsOption(pairs: readonly DatedPrediction[], drawn: readonly DrawnPair[], theme: ChartTheme) {
  const option = predictionErrorsOption({ pairs: drawn, theme });
  const mean = {
    type: 'line' as const,
    id: 'rolling',
    name: `mean of the last ${averaged}`,
    silent: true,
    showSymbol: false,
    lineStyle: { color: theme.final, width: 1.8 },
    itemStyle: { color: theme.final },
    data: rollingErrors(pairs).flatMap((error, i) => (error === null ? [] : [[i + 1, 100 * error]])),
  };
  return { ...option, legend: legendStyle(theme), series: [...option.series, mean] };
}

/** The quality of the latency model, and where it extrapolates. */
export default function LatencyPage() {
  const { info } = useRun();
  const open = useOpenTrial();
  const theme = useChartTheme();
  const { answer, problem } = useRunAnswer('/api/runs/:run/predictions', age);
  const pairs = answer?.pairs ?? noPairs;
  const several = info.precisions !== null;
  const [plane, errors] = useMemo(() => {
    const drawn = pairs.map(({ precision, ...pair }): DrawnPair => (several ? { ...pair, precision } : pair));
    return [predictionOption({ pairs: drawn, theme }), errorsOption(pairs, drawn, theme)];
  }, [pairs, several, theme]);
  if (answer === null || pairs.length === 0)
    return (
      <section>
        <h2>Latency model</h2>
        {problem === null ? (
          <p class="empty">
            {answer === null
              ? 'Loading …'
              : 'No latency was predicted and then measured: all are measured or come from a table, or there are none yet.'}
          </p>
        ) : (
          <p class="banner">{problem}</p>
        )}
      </section>
    );
  const far = pairs.filter(extrapolates).length;
  return (
    <>
      <h2 class="page-title">Latency model</h2>
      {problem !== null && <p class="banner">{problem}</p>}
      <LatencyWarning warning={info.latencies} />
      <Tiles tiles={tilesOf(answer)} />
      <div class="cards">
        <section>
          <h3>Predicted against measured</h3>
          <Chart
            option={plane}
            height={420}
            zoom="xy"
            onPoint={open}
            label={`Predicted against measured latency of ${pairs.length} networks, ${far} of them extrapolated`}
          />
          <p class="note">
            On the dashed line, a prediction is exact. Measured is the latency that the trial has now; a measurement
            beside the frontier replaces the one in the search.
          </p>
        </section>
        <section>
          <h3>Error over time</h3>
          <Chart
            option={errors}
            height={420}
            zoom="x"
            onPoint={open}
            label={`Error of ${pairs.length} predictions in the order of their measurements`}
          />
          <p class="note">
            In percent of the measured latency; above zero, the prediction was too high. The line is the mean absolute
            error
            {answer.report !== null &&
              answer.report.unreliable === 0 &&
              answer.report.count < pairs.length &&
              ' of reliable measurements'}
            .
          </p>
        </section>
        <ByPrecision precisions={answer.report?.precisions} />
        <section class="wide">
          <details>
            <summary>All {pairs.length} as a table</summary>
            <PairTable pairs={pairs} severalPrecisions={several} />
          </details>
        </section>
      </div>
    </>
  );
}
