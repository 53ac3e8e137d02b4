import { useMemo } from 'preact/hooks';
import { duration, percent } from '../../../base/number-text.js';
import type { HypervolumePoint, RunSummary } from '../../../reports/page/api.js';
import { useQuery, useRun, useRunAnswer } from '../../data/hooks.js';
import { hypervolumeOption, type HypervolumeRun } from '../../charts/curves.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Select } from '../../components/elements.js';
import { Table, type Column } from '../../components/table.js';

/** Seconds until the curve of a running search is refreshed: with many trials, it takes the server longer. */
const ageOf = ({ counts }: RunSummary): number => Math.max(10, counts.complete / 500);

const noPoints: readonly HypervolumePoint[] = [];

type Row = HypervolumePoint & { readonly run: string };

/** The points of hypervolume curves; with several runs, each row names its run. */
export function HypervolumeTable({ runs }: { readonly runs: readonly HypervolumeRun[] }) {
  const runColumn: Column<Row> = { title: 'run', cell: ({ run }) => run };
  const columns: readonly Column<Row>[] = [
    ...(runs.length > 1 ? [runColumn] : []),
    { title: 'trials', numeric: true, cell: ({ trials }) => trials.toLocaleString('en-US') },
    { title: 'compute', numeric: true, cell: ({ seconds }) => duration(seconds) },
    { title: 'hypervolume', numeric: true, cell: ({ share }) => percent(share) },
  ];
  const rows = runs.flatMap(({ name, points }) => points.map((point) => ({ run: name, ...point })));
  return <Table label="Hypervolume" columns={columns} rows={rows} />;
}

export function HypervolumeCard() {
  const { live, info } = useRun();
  const [query, change] = useQuery();
  const over = query['over'] === 'compute' ? 'seconds' : 'trials';
  const theme = useChartTheme();
  const { done, total } = live.loaded.value;
  // The trials are loaded first: more of the page needs them.
  const ready = total > 0 && done >= total;
  const { answer, problem } = useRunAnswer(ready ? '/api/runs/:run/hypervolume' : null, ageOf(info.run));
  const points = answer?.points ?? noPoints;
  const runs = useMemo(() => [{ name: info.run.name, points }], [points, info.run.name]);
  const option = useMemo(() => hypervolumeOption({ runs, over, theme }), [runs, over, theme]);
  const last = points.at(-1);
  return (
    <section>
      <div class="head">
        <h2>Hypervolume</h2>
        <Select
          label="over"
          value={over}
          options={[
            ['trials', 'trials'],
            ['seconds', 'compute'],
          ]}
          onChange={(value) => change({ over: value === 'seconds' ? 'compute' : null })}
        />
      </div>
      {problem !== null && <p class="banner">{problem}</p>}
      {last === undefined ? (
        <p class="empty">{answer === null ? 'Loading …' : 'No trial is complete yet.'}</p>
      ) : (
        <Chart
          option={option}
          height={300}
          label={`Hypervolume: ${percent(last.share)} after ${last.trials} trials`}
          table={() => <HypervolumeTable runs={runs} />}
        />
      )}
      <p class="note">
        The share of the space between the worst and the best values that the frontier dominates, over trials that meet
        the constraints.
      </p>
    </section>
  );
}
