import { useMemo } from 'preact/hooks';
import { ms } from '../../../base/number-text.js';
import type { MeasuredLatency, MeasurementPurpose } from '../../../experiments/page/api.js';
import { binsOf, histogramOption } from '../../charts/histogram.js';
import { Chart, useLook } from '../../components/chart.js';
import { Card } from '../../components/card.js';
import { Facts, type Fact } from '../../components/facts.js';
import { cautionFacts, percentilesFact } from '../../components/network-facts.js';
import { Table } from '../../components/table.js';
import { Time } from '../../components/time.js';

const purposes: { readonly [P in MeasurementPurpose]: string } = {
  calibration: 'to fit the latency model',
  trial: 'during the search',
  frontier: "side by side with the frontier's others",
};

const titleOf = ({ precision, purpose, device }: MeasuredLatency): string =>
  `${precision} on ${device}, ${purposes[purpose]}`;

function Measurement({ measured }: { readonly measured: MeasuredLatency }) {
  const look = useLook();
  const { samples, p50, p95, p99, interval, takenAt, environment } = measured;
  const option = useMemo(
    () => histogramOption({ samples, percentiles: { p50, p95, p99 }, ms: measured.ms, interval, look }),
    [measured, look],
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
