import { useLocation } from 'preact-iso';
import { useMemo } from 'preact/hooks';
import { percent } from '../../../base/number-text.js';
import type {
  CandidateKey,
  DatedPrediction,
  PredictionReport,
  PredictionsAnswer,
} from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { legendStyle } from '../../charts/frame.js';
import { predictionErrorsOption, predictionOption, type DrawnPair } from '../../charts/prediction.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { Tiles, type TileText } from '../../components/elements.js';
import { runAddress } from '../../data/addresses.js';
import { useAnswer } from '../../data/use-answer.js';
import { averaged, extrapolates, PairTable, rollingErrors, withinTwo } from './errors.js';

/** Seconds after which it is asked for again while the run goes. */
const age = 10;

const noPairs: readonly DatedPrediction[] = [];

/** MAPE in percent, as all errors here are written. */
const mapeText = (mape: number): string => `${mape.toFixed(1)} %`;

function tilesOf({ report, pairs, extrapolated }: PredictionsAnswer): readonly TileText[] {
  const within = withinTwo(pairs);
  const late = rollingErrors(pairs).at(-1);
  return [
    { value: pairs.length.toLocaleString('en-US'), label: 'predicted, then measured' },
    ...(report === null ? [] : [{ value: mapeText(report.mape), label: 'mean absolute percentage error' }]),
    ...(late === undefined ? [] : [{ value: percent(late), label: `of the last ${Math.min(averaged, pairs.length)}` }]),
    ...(report?.spearman === null || report === null
      ? []
      : [{ value: report.spearman.toFixed(3), label: "Spearman's rank correlation" }]),
    ...(within === null ? [] : [{ value: percent(within), label: 'within two standard deviations' }]),
    { value: extrapolated.toLocaleString('en-US'), label: 'trials that it extrapolates to' },
  ];
}

/** Each precision has a latency model of its own. */
function ByPrecision({ precisions }: Pick<PredictionReport, 'precisions'>) {
  if (precisions === undefined) return null;
  return (
    <section>
      <h3>By precision</h3>
      <Table
        label="Quality of the latency model by precision"
        rows={precisions}
        columns={[
          { title: 'precision', heading: true, cell: ({ precision }) => precision },
          { title: 'measured', numeric: true, cell: ({ count }) => count },
          { title: 'error', numeric: true, cell: ({ mape }) => mapeText(mape) },
          { title: 'rank correlation', numeric: true, cell: ({ spearman }) => spearman?.toFixed(3) ?? '-' },
        ]}
      />
    </section>
  );
}

/** The errors in the order of measurements, with the mean of the last ones as a line. */
function errorsOption(
  pairs: readonly DatedPrediction[],
  drawn: readonly DrawnPair[],
  theme: ReturnType<typeof useChartTheme>,
) {
  const option = predictionErrorsOption({ pairs: drawn, theme });
  const mean = {
    type: 'line' as const,
    id: 'rolling',
    name: `mean of the last ${averaged}`,
    silent: true,
    showSymbol: false,
    lineStyle: { color: theme.final, width: 1.8 },
    itemStyle: { color: theme.final },
    data: rollingErrors(pairs).map((error, i) => [i + 1, 100 * error]),
  };
  return { ...option, legend: legendStyle(theme), series: [...option.series, mean] };
}

/** How good the model is that tells latencies before they are measured, and where it knows little. */
export default function LatencyPage() {
  const { live, info } = useRun();
  const { route } = useLocation();
  const theme = useChartTheme();
  const { status } = info.run;
  const { answer, problem } = useAnswer(
    { address: '/api/runs/:run/predictions', parameters: { run: live.id } },
    () => (status === 'running' ? age : null),
    status,
  );
  const pairs = answer?.pairs ?? noPairs;
  const several = info.precisions !== null;
  const [plane, errors] = useMemo(() => {
    const drawn = pairs.map(({ precision, ...pair }): DrawnPair => (several ? { ...pair, precision } : pair));
    return [predictionOption({ pairs: drawn, theme }), errorsOption(pairs, drawn, theme)];
  }, [pairs, several, theme]);
  const base = runAddress(live.id);
  const open = (key: unknown) => {
    // What the marks of these charts stand for.
    if (key !== undefined) route(`${base}/trials/${(key as CandidateKey).number}`);
  };
  if (answer === null || pairs.length === 0)
    return (
      <section>
        <h2>Latency model</h2>
        {problem === null ? (
          <p class="empty">
            {answer === null
              ? 'Loading …'
              : 'No latency was first predicted and then measured: each is measured, or comes from a table, or none has been so far.'}
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
          <p class="note">On the dashed line, a prediction is right. Hollow: the model did not cover the network.</p>
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
            In percent of what was measured; above zero, the prediction was too high. The line is the mean without
            signs.
          </p>
        </section>
        <ByPrecision precisions={answer.report?.precisions} />
        <section class="wide">
          <details>
            <summary>All {pairs.length} as a table</summary>
            <PairTable base={base} pairs={pairs} severalPrecisions={several} />
          </details>
        </section>
      </div>
    </>
  );
}
