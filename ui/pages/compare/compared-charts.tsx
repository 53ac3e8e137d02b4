import { ms, percent, valueText } from '../../../base/number-text.js';
import { useRun } from '../../data/hooks.js';
import type { MeasuredLatency, TrialAnswer } from '../../../reports/page/api.js';
import type { Curve } from '../../charts/curves.js';
import { sampleShares } from '../../charts/histogram.js';
import { overlayOption } from '../../charts/overlay.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Curves } from '../../components/curves.js';
import { purposeTexts } from '../../components/network.js';
import { trialName } from './compared-trials.js';
import { SideBySide, type SideCell, type SideRow } from './side-by-side.js';

interface Props {
  readonly answers: readonly TrialAnswer[];
}

export function ComparedCurves({ answers }: Props) {
  const { task } = useRun().info.run;
  const curves = answers.flatMap(({ trial }) =>
    (['search', 'final'] as const)
      .map((stage): Curve => ({ label: trialName(trial), stage, points: trial.curves[stage] }))
      .filter(({ points }) => points.length > 0),
  );
  if (curves.length === 0) return null;
  return (
    <section>
      <h2>Learning curves</h2>
      <Curves task={task} curves={curves} of={answers.map(({ trial }) => trialName(trial)).join(', ')} />
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
  const row = (title: string, of: (measurement: MeasuredLatency) => Pick<SideCell, 'text' | 'note'>): SideRow => ({
    title,
    cells: measured.map(({ measurement }) => of(measurement)),
  });
  const number = (title: string, of: (measurement: MeasuredLatency) => number | null): SideRow =>
    row(title, (measurement) => ({ text: valueText('ms', of(measurement)) }));
  return (
    <SideBySide
      label="Latencies of trials"
      heads={measured.map(({ name }) => name)}
      rows={[
        number('latency', (measurement) => measurement.ms),
        row('95 % interval', ({ certainty: { interval } }) => ({ text: interval.map(ms).join(' to ') })),
        number('median', ({ p50 }) => p50),
        number('p95', ({ p95 }) => p95),
        number('p99', ({ p99 }) => p99),
        row('measured', ({ purpose, converged, certainty: { unreliable } }) => ({
          text: `${purposeTexts[purpose]}${converged ? '' : ', not converged'}`,
          note: unreliable === undefined ? null : `unreliable: ${unreliable}`,
        })),
        row('device', ({ device }) => ({ text: device })),
      ]}
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
