import { useMemo } from 'preact/hooks';
import { duration, percent } from '../../../base/number-text.js';
import type { HypervolumePoint, RunSummary } from '../../../experiments/page/api.js';
import { useQuery, useRun } from '../../app/hooks.js';
import { hypervolumeOption } from '../../charts/curves.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { useAnswer } from '../../data/use-answer.js';

/** Seconds after which it is asked for again while the run goes: of many trials it takes longer to find. */
const ageOf = ({ counts }: RunSummary): number => Math.max(10, counts.complete / 500);

const noPoints: readonly HypervolumePoint[] = [];

const pointTable = (points: readonly HypervolumePoint[]) => (
  <Table
    label="Hypervolume"
    rows={points}
    columns={[
      { title: 'trials', numeric: true, cell: ({ trials }) => trials.toLocaleString('en-US') },
      { title: 'compute', numeric: true, cell: ({ seconds }) => duration(seconds) },
      { title: 'hypervolume', numeric: true, cell: ({ share }) => percent(share) },
    ]}
  />
);

/** How much of what can be reached the frontier dominates, over trials or over what they took. */
export function HypervolumeCard() {
  const { live, info } = useRun();
  const [query, change] = useQuery();
  const over = query['over'] === 'compute' ? 'seconds' : 'trials';
  const theme = useChartTheme();
  const { done, total } = live.loaded.value;
  // Trials come first: everybody looks at them.
  const here = total > 0 && done >= total;
  const { answer, problem } = useAnswer(
    here ? { address: '/api/runs/:run/hypervolume', parameters: { run: live.id } } : null,
    () => {
      const run = live.info.value?.run;
      return run?.status === 'running' ? ageOf(run) : null;
    },
    info.run.status,
  );
  const points = answer?.points ?? noPoints;
  const option = useMemo(
    () => hypervolumeOption({ runs: [{ name: info.run.name, points }], over, theme }),
    [points, over, theme, info.run.name],
  );
  const last = points.at(-1);
  return (
    <section>
      <div class="head">
        <h2>Hypervolume</h2>
        <label>
          over{' '}
          <select
            value={over}
            onChange={({ currentTarget: { value } }) => change({ over: value === 'seconds' ? 'compute' : null })}
          >
            <option value="trials">trials</option>
            <option value="seconds">compute</option>
          </select>
        </label>
      </div>
      {problem !== null && <p class="banner">{problem}</p>}
      {last === undefined ? (
        <p class="empty">{answer === null ? 'Loading …' : 'No trial is complete yet.'}</p>
      ) : (
        <Chart
          option={option}
          height={300}
          label={`Hypervolume: ${percent(last.share)} after ${last.trials} trials`}
          table={() => pointTable(points)}
        />
      )}
      <p class="note">
        The share of the space between the worst and the best values, of trials that keep the constraints, that the
        frontier dominates.
      </p>
    </section>
  );
}
