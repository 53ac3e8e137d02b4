import { useMemo } from 'preact/hooks';
import { ms } from '../../../base/number-text.js';
import type { MeasuredLatency, ReportMember } from '../../../reports/page/api.js';
import { useRun } from '../../data/hooks.js';
import { stageKeys } from '../../charts/curves.js';
import { binsOf, histogramOption, limitOf } from '../../charts/histogram.js';
import { Curves } from '../../components/curves.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Card, Facts, Time, type Fact } from '../../components/elements.js';
import { cautionFacts, percentilesFact, purposeTexts } from '../../components/network.js';
import { Table } from '../../components/table.js';
import { joinedCurve } from '../../data/curves.js';

export function TrialCurves({ trial }: { readonly trial: ReportMember }) {
  const { live, info } = useRun();
  const { number } = trial;
  const liveEpochs = stageKeys.map((key) => live.curveOf({ stage: key, trial: number }));
  const curves = useMemo(
    () =>
      stageKeys
        .map((stage, i) => ({
          label: `#${number}`,
          stage,
          points: joinedCurve(trial.curves[stage], liveEpochs[i]),
        }))
        .filter(({ points }) => points.length > 0),
    [trial, number, ...liveEpochs],
  );
  if (curves.length === 0) return null;
  return (
    <section>
      <h3>Learning curves</h3>
      <Curves task={info.run.task} curves={curves} of={`trial ${number}`} />
    </section>
  );
}

function Measurement({ measured }: { readonly measured: MeasuredLatency }) {
  const theme = useChartTheme();
  const { samples, taken, interval, certainty, explanation, used, takenAt, environment } = measured;
  const option = useMemo(() => {
    const { p50, p95, p99 } = measured;
    const percentiles = { p50, p95, ...(p99 !== null && { p99 }) };
    return histogramOption({ samples, percentiles, ms: measured.ms, interval, theme });
  }, [measured, theme]);
  const shown = samples.length === taken ? `${taken}` : `${samples.length} of ${taken}`;
  const beyond = samples.filter((sample) => sample > limitOf(samples)).length;
  const facts: readonly Fact[] = [
    ['latency', `${ms(measured.ms)}${used ? ', the latency of this trial' : ', replaced by another measurement'}`],
    ['95 % interval', `${ms(certainty.interval[0])} to ${ms(certainty.interval[1])}`],
    ['within the session', `${ms(interval[0])} to ${ms(interval[1])}`],
    ['session', explanation],
    percentilesFact(measured),
    ['measured', <Time at={takenAt} />],
    ...cautionFacts(measured),
  ];
  const title = `${measured.precision} on ${measured.device}, ${purposeTexts[measured.purpose]}`;
  const { cpu, runtime } = environment as Readonly<Partial<Record<string, string>>>;
  return (
    <>
      <h4>{title}</h4>
      <Facts entries={facts} />
      {beyond > 0 && (
        <p class="note">
          {beyond} of these {shown} samples are slower than the chart shows, up to {ms(samples[samples.length - 1])}.
        </p>
      )}
      {samples.length > 0 && (
        <Chart
          option={option}
          height={260}
          label={`Distribution of ${shown} samples of the latency, ${title}`}
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
  const keyOf = ({ precision, purpose, takenAt }: MeasuredLatency): string => `${precision} ${purpose} ${takenAt}`;
  const used = measurements.filter((measured) => measured.used);
  const others = measurements.filter((measured) => !measured.used);
  return (
    <section>
      <h3>Measured latency</h3>
      {used.map((measured) => (
        <Measurement key={keyOf(measured)} measured={measured} />
      ))}
      {others.length > 0 && (
        <details>
          <summary>
            {others.length === 1 ? 'Another measurement' : `${others.length} other measurements`}, replaced by this one
          </summary>
          {others.map((measured) => (
            <Measurement key={keyOf(measured)} measured={measured} />
          ))}
        </details>
      )}
    </section>
  );
}
