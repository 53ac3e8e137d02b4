import { ms, percent } from '../../../base/number-text.js';
import { mainScores, scoreText } from '../../../base/scores.js';
import type { TaskType } from '../../../base/task.js';
import { useRun } from '../../app/hooks.js';
import type { MeasuredLatency, TrialAnswer } from '../../../experiments/page/api.js';
import { curvesOption, stages, type Curve } from '../../charts/curves.js';
import { sampleShares } from '../../charts/histogram.js';
import { overlayOption } from '../../charts/overlay.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Tag } from '../../components/elements.js';
import { purposeTexts } from '../../components/network.js';
import { Table } from '../../components/table.js';
import { trialName } from './compared-trials.js';

interface Props {
  readonly answers: readonly TrialAnswer[];
}

function CurveTable({ task, curves }: { readonly task: TaskType; readonly curves: readonly Curve[] }) {
  const epochs = Math.max(...curves.map(({ points }) => points.length));
  return (
    <Table
      label={`Validation ${mainScores[task].title} by epoch`}
      columns={[
        { title: 'epoch', numeric: true, heading: true, cell: (row: number) => row + 1 },
        ...curves.map(({ label, points }) => ({
          title: label,
          numeric: true,
          cell: (row: number) => {
            const point = points.find(({ epoch }) => epoch === row);
            return point === undefined ? '-' : scoreText(task, point.validationAccuracy);
          },
        })),
      ]}
      rows={Array.from({ length: epochs }, (_, row) => row)}
    />
  );
}

const curveTitles = { search: 'In the search', final: 'In the final training' } as const;

export function ComparedCurves({ answers }: Props) {
  const { task } = useRun().info.run;
  const theme = useChartTheme();
  const shown = (['search', 'final'] as const).flatMap((stage) => {
    // A trial without points keeps its colour for the other stage.
    const curves = answers.map(({ trial }) => ({ label: trialName(trial), points: trial.curves[stage] }));
    const panel = { title: stages[stage].title, curves };
    return curves.every(({ points }) => points.length === 0) ? [] : [{ title: curveTitles[stage], panel }];
  });
  if (shown.length === 0) return null;
  return (
    <section>
      <h2>Learning curves</h2>
      <div class="side-charts">
        {shown.map(({ title, panel }) => (
          <div key={title}>
            <h3>{title}</h3>
            <Chart
              label={`${title}: validation ${mainScores[task].title} by epoch of ${panel.curves.map(({ label }) => label).join(', ')}`}
              height={320}
              option={curvesOption({ panels: [panel], task, theme })}
              table={() => <CurveTable task={task} curves={panel.curves} />}
            />
          </div>
        ))}
      </div>
    </section>
  );
}

/** The measurement that is the latency of a trial in its precision. */
const measurementOf = ({ trial, measurements }: TrialAnswer): MeasuredLatency | undefined =>
  measurements.find(({ precision, used }) => used && precision === (trial.precision ?? 'fp32'));

const measures = { ms: { title: 'latency', unit: 'ms' }, share: { title: 'share of samples', unit: 'share' } } as const;

interface Measured {
  readonly name: string;
  readonly measurement: MeasuredLatency;
}

function LatencyTable({ measured }: { readonly measured: readonly Measured[] }) {
  const number = (title: string, of: (measurement: MeasuredLatency) => string) => ({
    title,
    numeric: true,
    cell: ({ measurement }: Measured) => of(measurement),
  });
  return (
    <Table
      label="Latencies of trials"
      columns={[
        { title: 'trial', heading: true, cell: ({ name }) => name },
        number('latency', (measurement) => ms(measurement.ms)),
        number(
          '95 % interval',
          ({
            certainty: {
              interval: [low, high],
            },
          }) => `${ms(low)} to ${ms(high)}`,
        ),
        number('median', ({ p50 }) => ms(p50)),
        number('p95', ({ p95 }) => ms(p95)),
        number('p99', ({ p99 }) => (p99 === null ? '' : ms(p99))),
        {
          title: 'measured',
          cell: ({ measurement: { purpose, converged, certainty } }) => (
            <>
              {purposeTexts[purpose]} {!converged && <Tag text="not converged" />}{' '}
              {certainty.unreliable !== undefined && (
                <span title={certainty.unreliable}>
                  <Tag text="unreliable" />
                </span>
              )}
            </>
          ),
        },
        { title: 'device', cell: ({ measurement }) => measurement.device },
      ]}
      rows={measured}
    />
  );
}

export function ComparedLatencies({ answers }: Props) {
  const theme = useChartTheme();
  const measured = answers.flatMap((answer) => {
    const measurement = measurementOf(answer);
    return measurement === undefined ? [] : [{ name: trialName(answer.trial), measurement }];
  });
  if (measured.length === 0) return null;
  const shares = sampleShares(measured.map(({ measurement }) => measurement.samples));
  const devices = new Set(measured.map(({ measurement }) => measurement.device));
  return (
    <section>
      <h2>Latency</h2>
      {devices.size > 1 && (
        <p class="banner">These latencies were measured on different devices and cannot be compared.</p>
      )}
      {shares !== null && (
        <Chart
          label={`Distribution of latency samples of ${measured.map(({ name }) => name).join(', ')}`}
          height={320}
          option={overlayOption({
            lines: measured.map(({ name }, i) => ({
              name,
              points: shares.at.map((x, bin) => ({ x, y: shares.shares[i][bin] })),
            })),
            x: { measure: 'ms', text: (value) => `around ${ms(value)}` },
            y: { measure: 'share', text: (share) => `${percent(share)} of samples` },
            measures,
            theme,
            marks: false,
          })}
        />
      )}
      {shares !== null && shares.beyond > 0 && (
        <p class="note">
          {shares.beyond} of the slowest samples lie outside the chart; the percentiles below include them.
        </p>
      )}
      <LatencyTable measured={measured} />
    </section>
  );
}
