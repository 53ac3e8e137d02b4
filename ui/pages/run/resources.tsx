import { useMemo, useState } from 'preact/hooks';
import { clockTime, duration, valueText, type Unit } from '../../../base/number-text.js';
import type { ResourcesAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { overlayOption } from '../../charts/overlay.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Select } from '../../components/elements.js';
import { Table } from '../../components/table.js';
import { useAnswer } from '../../data/use-answer.js';

type Sample = ResourcesAnswer['samples'][number];

/** What is drawn: a line of the run, or one of each worker. */
const kinds: Readonly<
  Record<
    string,
    readonly [title: string, unit: Unit, of: (sample: Sample) => Readonly<Record<string, number | undefined>>]
  >
> = {
  images: ['images/s', 'count', ({ images }) => images],
  cpu: ['busy processors', 'score', ({ cpu }) => ({ run: cpu })],
  memory: ['memory', 'bytes', ({ memory }) => ({ run: memory })],
};

/** Processors, memory and speed of a run over its time, below the timeline of its workers. */
export function Resources() {
  const { live, info } = useRun();
  const theme = useChartTheme();
  const [kind, setKind] = useState('images');
  const { status } = info.run;
  const { answer } = useAnswer(
    { address: '/api/runs/:run/resources', parameters: { run: live.id } },
    () => (status === 'running' ? 15 : null),
    status,
  );
  const [title, unit, of] = kinds[kind];
  const samples = answer?.samples ?? [];
  const names = [...new Set(samples.flatMap((sample) => Object.keys(of(sample))))].sort();
  const option = useMemo(() => {
    const pointsOf = (name: string) =>
      samples.flatMap((sample) => {
        const y = of(sample)[name];
        return y === undefined ? [] : [{ x: sample.after, y }];
      });
    return overlayOption({
      lines: names.map((name) => ({ name, points: pointsOf(name) })),
      x: { measure: null, title: 'time of the run [h:min:s]', text: duration, tick: clockTime },
      y: { measure: 'y', text: (value) => valueText(unit, value) },
      measures: { y: { title, unit } },
      theme,
      marks: false,
    });
  }, [answer, kind, theme]);
  if (samples.length === 0) return null;
  return (
    <>
      <div class="toolbar">
        <Select
          label="Resources"
          value={kind}
          options={Object.entries(kinds).map(([name, [text]]) => [name, text])}
          onChange={setKind}
        />
      </div>
      <Chart
        option={option}
        height={240}
        zoom="x"
        label={`${title} over the time of the run`}
        table={() => (
          <Table
            label={title}
            rows={samples}
            columns={[
              { title: 'time', heading: true, cell: ({ after }: Sample) => duration(after) },
              ...names.map((name) => ({
                title: name,
                numeric: true,
                cell: (sample: Sample) => valueText(unit, of(sample)[name]),
              })),
            ]}
          />
        )}
      />
      <p class="note">
        Every ten seconds, of long runs less often. Images/s of each worker while it trained, also on other machines;
        processors and resident memory of the run’s processes on its own machine.
      </p>
    </>
  );
}
