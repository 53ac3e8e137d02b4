import { useMemo } from 'preact/hooks';
import { ms, percent } from '../../../base/number-text.js';
import type { CurvePoint, MeasuredLatency, MeasurementPurpose, ReportMember } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { curvesOption } from '../../charts/curves.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { joinedCurve } from '../../data/curves.js';
import { binsOf, histogramOption } from '../../charts/histogram.js';
import { Card, type Fact, Facts, Time } from '../../components/elements.js';
import { cautionFacts, percentilesFact } from '../../components/network.js';

const stages = [
  { stage: 'search', title: 'epoch of the search', known: ({ curves }: ReportMember) => curves.search },
  { stage: 'final', title: 'epoch of the final training', known: ({ curves }: ReportMember) => curves.final },
  {
    stage: 'quantize-aware',
    title: 'epoch with the rounding of 8 bits',
    known: ({ curves }: ReportMember): readonly CurvePoint[] => curves.quantizeAware ?? [],
  },
] as const;

/** Its learning curves, also while they grow. */
export function TrialCurves({ trial }: { readonly trial: ReportMember }) {
  const { live } = useRun();
  const theme = useChartTheme();
  const { number } = trial;
  const grown = stages.map(({ stage }) => live.curveOf({ stage, trial: number }));
  const panels = useMemo(
    () =>
      stages
        .map(({ title, known }, i) => ({
          title,
          curves: [{ label: `#${number}`, points: joinedCurve(known(trial), grown[i]) }],
        }))
        .filter(({ curves: [{ points }] }) => points.length > 0),
    [trial, number, ...grown],
  );
  const option = useMemo(() => curvesOption({ panels, theme }), [panels, theme]);
  if (panels.length === 0) return null;
  const rows = panels.flatMap(({ title, curves: [{ points }] }) =>
    points.map((point) => ({ title: title.replace('epoch of ', '').replace('epoch ', ''), ...point })),
  );
  return (
    <section>
      <h3>Learning curves</h3>
      <Chart
        option={option}
        height={320}
        label={`Validation accuracy of trial ${number} over epochs`}
        table={() => (
          <Table
            label="Epochs"
            rows={rows}
            columns={[
              { title: 'training', cell: ({ title }) => title },
              { title: 'epoch', numeric: true, cell: ({ epoch }) => epoch + 1 },
              { title: 'training loss', numeric: true, cell: ({ trainLoss }) => trainLoss.toPrecision(4) },
              {
                title: 'validation accuracy',
                numeric: true,
                cell: ({ validationAccuracy }) => percent(validationAccuracy),
              },
            ]}
          />
        )}
      />
    </section>
  );
}

const purposes: { readonly [P in MeasurementPurpose]: string } = {
  calibration: 'to fit the latency model',
  trial: 'during the search',
  frontier: "side by side with the frontier's others",
};

const titleOf = ({ precision, purpose, device }: MeasuredLatency): string =>
  `${precision} on ${device}, ${purposes[purpose]}`;

function Measurement({ measured }: { readonly measured: MeasuredLatency }) {
  const theme = useChartTheme();
  const { samples, p50, p95, p99, interval, takenAt, environment } = measured;
  const option = useMemo(
    () => histogramOption({ samples, percentiles: { p50, p95, p99 }, ms: measured.ms, interval, theme }),
    [measured, theme],
  );
  const facts: readonly Fact[] = [
    ['latency', `${ms(measured.ms)}, 95 % interval ${ms(interval[0])} to ${ms(interval[1])}`],
    percentilesFact(measured),
    ['measured', <Time at={takenAt} />],
    ...cautionFacts(measured),
  ];
  const title = titleOf(measured);
  return (
    <>
      <h4>{title}</h4>
      <Facts entries={facts} />
      {samples.length > 0 && (
        <Chart
          option={option}
          height={260}
          label={`Distribution of ${samples.length} samples of the latency, ${title}`}
          table={() => (
            <Table
              label="Samples by latency"
              rows={binsOf(samples)}
              columns={[
                { title: 'from', numeric: true, cell: ({ from }) => ms(from) },
                { title: 'to', numeric: true, cell: ({ to }) => ms(to) },
                { title: 'samples', numeric: true, cell: ({ count }) => count },
              ]}
            />
          )}
        />
      )}
      <Card title="Where it was measured" summary={device(environment)}>
        <Facts entries={Object.entries(environment)} />
      </Card>
    </>
  );
}

const device = ({ cpu, runtime }: Readonly<Partial<Record<string, string>>>): string =>
  [cpu, runtime].filter((each) => each !== undefined).join(', ');

/** What was measured of it, each measurement with its distribution. */
export function Latencies({ measurements }: { readonly measurements: readonly MeasuredLatency[] }) {
  if (measurements.length === 0) return null;
  return (
    <section>
      <h3>Measured latency</h3>
      {measurements.map((measured) => (
        <Measurement key={`${measured.precision} ${measured.purpose} ${measured.takenAt}`} measured={measured} />
      ))}
    </section>
  );
}
