import { useMemo, useState } from 'preact/hooks';
import { clockTime, duration, valueText, type Unit } from '../../../base/number-text.js';
import type { ResourcesAnswer } from '../../../reports/page/api.js';
import { useRun, useRunAnswer } from '../../data/hooks.js';
import { overlayOption } from '../../charts/overlay.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Select } from '../../components/elements.js';
import { numberColumn, Table } from '../../components/table.js';

type Sample = ResourcesAnswer['samples'][number];

const ownMachine = 'the machine of nas run';

/** What is drawn: a line of the run, or one of each worker. */
const kinds: Readonly<
  Record<
    string,
    readonly [title: string, unit: Unit, of: (sample: Sample) => Readonly<Record<string, number | undefined>>]
  >
> = {
  images: ['images/s', 'count', ({ images }) => images],
  cpu: ['busy processors', 'score', ({ cpu }) => ({ [ownMachine]: cpu })],
  memory: ['memory', 'bytes', ({ memory }) => ({ [ownMachine]: memory })],
};

/** Processors, memory and speed of a run over its time, below the timeline of its workers. */
export function Resources() {
  const { info } = useRun();
  const theme = useChartTheme();
  const [kind, setKind] = useState('images');
  const { cpu: processor, cores } = info.environment as Readonly<Partial<Record<string, string>>>;
  const machine =
    processor === undefined ? '' : ` (at its start: ${processor}, ${cores ?? '?'} core${cores === '1' ? '' : 's'})`;
  const { answer } = useRunAnswer('/api/runs/:run/resources', 15);
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
              ...names.map((name) => numberColumn(name, (sample: Sample) => valueText(unit, of(sample)[name]))),
            ]}
          />
        )}
      />
      <p class="note">
        Every ten seconds, of long runs less often. Images/s: of each worker while it trained, also on other machines.
        Processors and resident memory: of the processes of <code>nas run</code> on its machine{machine}, of no machine
        of <code>nas worker</code>.
      </p>
    </>
  );
}
