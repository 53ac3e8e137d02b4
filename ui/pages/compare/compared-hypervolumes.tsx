import { duration, percent } from '../../../base/number-text.js';
import type { ComparisonAnswer } from '../../../experiments/page/api.js';
import { hypervolumeOption } from '../../charts/curves.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';

function HypervolumeTable({ answer }: { readonly answer: ComparisonAnswer }) {
  const rows = answer.runs.flatMap(({ id, points }) => points.map((point) => ({ id, ...point })));
  return (
    <Table
      label="Hypervolume of runs"
      columns={[
        { title: 'run', cell: ({ id }) => id },
        { title: 'trials', numeric: true, cell: ({ trials }) => trials },
        { title: 'compute', numeric: true, cell: ({ seconds }) => duration(seconds) },
        { title: 'hypervolume', numeric: true, cell: ({ share }) => percent(share) },
      ]}
      rows={rows}
    />
  );
}

const views = [
  { title: 'Over trials', over: 'trials' },
  { title: 'Over compute', over: 'seconds' },
] as const;

/** How much the frontiers dominate, as they grew: over trials, and over what these took. */
export function ComparedHypervolumes({ answer }: { readonly answer: ComparisonAnswer }) {
  const theme = useChartTheme();
  const runs = answer.runs.map(({ id, points }) => ({ name: id, points }));
  return (
    <section>
      <h2>Hypervolume</h2>
      <div class="side-charts">
        {views.map(({ title, over }) => (
          <div key={title}>
            <h3>{title}</h3>
            <Chart
              label={`Hypervolume ${title.toLowerCase()} of ${runs.map(({ name }) => name).join(', ')}`}
              height={320}
              zoom="x"
              option={hypervolumeOption({ runs, over, theme })}
              table={() => <HypervolumeTable answer={answer} />}
            />
          </div>
        ))}
      </div>
      <p class="note">
        The share of the space between the worst and the best values of all these runs together that a frontier
        dominates; compute is what trials took, added up. It grows when others join the comparison or run on: compare
        within a picture.
      </p>
    </section>
  );
}
