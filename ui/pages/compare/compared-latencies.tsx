import { ms, percent } from '../../../base/number-text.js';
import type { MeasuredLatency, TrialAnswer } from '../../../experiments/page/api.js';
import { overlayOption } from '../../charts/overlay.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { Tag } from '../../components/elements.js';
import { sampleShares } from './sample-shares.js';
import { trialName } from './trial-head.js';

interface Measured {
  readonly name: string;
  readonly measurement: MeasuredLatency;
}

/** What a trial is best compared by: measured side by side with others, of late, in its own precision. */
function measurementOf({ trial, measurements }: TrialAnswer): MeasuredLatency | undefined {
  const own = measurements.filter(({ precision }) => precision === (trial.precision ?? 'fp32'));
  const sideBySide = own.filter(({ purpose }) => purpose === 'frontier');
  return (sideBySide.length > 0 ? sideBySide : own).reduce<MeasuredLatency | undefined>(
    (latest, each) => (latest === undefined || each.takenAt > latest.takenAt ? each : latest),
    undefined,
  );
}

const measures = { ms: { title: 'latency', unit: 'ms' }, share: { title: 'share of samples', unit: 'share' } } as const;

const purposes: { readonly [P in MeasuredLatency['purpose']]: string } = {
  calibration: 'alone, for the latency model',
  trial: 'alone, in its trial',
  frontier: 'side by side with the frontier',
};

function Numbers({ measured }: { readonly measured: readonly Measured[] }) {
  return (
    <Table
      label="Latencies of trials"
      columns={[
        { title: 'trial', heading: true, cell: ({ name }) => name },
        { title: 'latency', numeric: true, cell: ({ measurement }) => ms(measurement.ms) },
        {
          title: '95 % interval',
          numeric: true,
          cell: ({ measurement: { interval } }) => `${ms(interval[0])} to ${ms(interval[1])}`,
        },
        { title: 'median', numeric: true, cell: ({ measurement }) => ms(measurement.p50) },
        { title: 'p95', numeric: true, cell: ({ measurement }) => ms(measurement.p95) },
        { title: 'p99', numeric: true, cell: ({ measurement }) => ms(measurement.p99) },
        {
          title: 'measured',
          cell: ({ measurement: { purpose, converged } }) => (
            <>
              {purposes[purpose]} {!converged && <Tag text="not converged" />}
            </>
          ),
        },
        { title: 'device', cell: ({ measurement }) => measurement.device },
      ]}
      rows={measured}
    />
  );
}

/** The latency samples of trials, over each other. */
export function ComparedLatencies({ answers }: { readonly answers: readonly TrialAnswer[] }) {
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
        <p class="banner">These were measured on different devices, and say nothing about each other.</p>
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
          {shares.beyond} of the slowest samples lie beyond the picture; the percentiles below count them.
        </p>
      )}
      <Numbers measured={measured} />
    </section>
  );
}
