import { useMemo } from 'preact/hooks';
import { ms } from '../../../base/number-text.js';
import { mainScores, scoreText } from '../../../base/scores.js';
import type { MeasuredLatency, ReportMember } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { curvesOption, stageKeys, stagePanels, stages } from '../../charts/curves.js';
import { binsOf, histogramOption } from '../../charts/histogram.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Card, Facts, Time, type Fact } from '../../components/elements.js';
import { cautionFacts, percentilesFact, purposeTexts } from '../../components/network.js';
import { Table } from '../../components/table.js';
import { joinedCurve } from '../../data/curves.js';

export function TrialCurves({ trial }: { readonly trial: ReportMember }) {
  const { live, info } = useRun();
  const { task } = info.run;
  const theme = useChartTheme();
  const { number } = trial;
  const liveEpochs = stageKeys.map((key) => live.curveOf({ stage: stages[key].stage, trial: number }));
  const panels = useMemo(
    () =>
      stagePanels((key) => {
        const points = joinedCurve(trial.curves[key] ?? [], liveEpochs[stageKeys.indexOf(key)]);
        return [{ label: `#${number}`, points }];
      }),
    [trial, number, ...liveEpochs],
  );
  const option = useMemo(() => curvesOption({ panels, task, theme }), [panels, theme]);
  if (panels.length === 0) return null;
  const rows = panels.flatMap(({ title, curves: [{ points }] }) =>
    points.map((point) => ({ title: title.replace('epoch of ', ''), ...point })),
  );
  return (
    <section>
      <h3>Learning curves</h3>
      <Chart
        option={option}
        height={320}
        label={`Validation ${mainScores[task].title} of trial ${number} over epochs`}
        table={() => (
          <Table
            label="Epochs"
            rows={rows}
            columns={[
              { title: 'training', cell: ({ title }) => title },
              { title: 'epoch', numeric: true, cell: ({ epoch }) => epoch + 1 },
              { title: 'training loss', numeric: true, cell: ({ trainLoss }) => trainLoss.toPrecision(4) },
              {
                title: `validation ${mainScores[task].title}`,
                numeric: true,
                cell: ({ validationAccuracy }) => scoreText(task, validationAccuracy),
              },
            ]}
          />
        )}
      />
    </section>
  );
}

function Measurement({ measured }: { readonly measured: MeasuredLatency }) {
  const theme = useChartTheme();
  const {
    samples,
    p50,
    p95,
    p99,
    interval,
    certainty,
    explanation,
    used,
    takenAt,
    environment,
    precision,
    purpose,
    device,
  } = measured;
  const option = useMemo(
    () =>
      histogramOption({
        samples,
        percentiles: { p50, p95, ...(p99 !== null && { p99 }) },
        ms: measured.ms,
        interval,
        theme,
      }),
    [measured, theme],
  );
  const facts: readonly Fact[] = [
    ['latency', `${ms(measured.ms)}${used ? ', the latency of this trial' : ', replaced by another measurement'}`],
    ['95 % interval', `${ms(certainty.interval[0])} to ${ms(certainty.interval[1])}`],
    ['within the session', `${ms(interval[0])} to ${ms(interval[1])}`],
    ['session', explanation],
    percentilesFact(measured),
    ['measured', <Time at={takenAt} />],
    ...cautionFacts(measured),
  ];
  const title = `${precision} on ${device}, ${purposeTexts[purpose]}`;
  const { cpu, runtime } = environment as Readonly<Partial<Record<string, string>>>;
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
      <Card title="Where it was measured" summary={[cpu, runtime].filter((each) => each !== undefined).join(', ')}>
        <Facts entries={Object.entries(environment)} />
      </Card>
    </>
  );
}

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
