import { useLocation } from 'preact-iso';
import type { CandidateKey, ComparisonAnswer, RunId } from '../../../reports/page/api.js';
import { useQuery } from '../../data/hooks.js';
import { hypervolumeOption } from '../../charts/curves.js';
import { pointOf } from '../../charts/frontier-series.js';
import { asksForLog, overlayOption } from '../../charts/overlay.js';
import { skyline, turnOf } from '../../charts/points.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Checkbox, Select } from '../../components/elements.js';
import { frontierColumns } from '../../components/frontier-columns.js';
import { Table } from '../../components/table.js';
import { trialAddress } from '../../data/addresses.js';
import { textOf, titleOf } from '../../data/measures.js';
import { HypervolumeTable } from '../run/hypervolume-card.js';

interface Props {
  readonly answer: ComparisonAnswer;
}

/** The key of a mark: a network on the frontier of a run. */
interface Member extends CandidateKey {
  readonly run: RunId;
}

const addressOf = ({ run, number }: Member): string => trialAddress(run, number);

function FrontierTable({ answer: { runs, objectives, measures } }: Props) {
  const rows = runs.flatMap(({ id, frontier }) => frontier.map((member) => ({ ...member, run: id })));
  const link = (row: (typeof rows)[number]) => <a href={addressOf(row)}>#{row.number}</a>;
  return (
    <Table
      label="Members of the frontiers"
      columns={[
        { title: 'run', cell: ({ run }) => run },
        ...frontierColumns({ objectives, measures, link, precisions: true }),
      ]}
      rows={rows}
    />
  );
}

export function ComparedFrontiers({ answer }: Props) {
  const theme = useChartTheme();
  const { route } = useLocation();
  const [query, change] = useQuery();
  const { objectives, measures, runs } = answer;
  if (objectives.length < 2) return null;
  /** The objective of an axis in the address, or the default one. */
  const axisIn = (axis: 'x' | 'y', usual: 0 | 1) =>
    objectives.find(({ name }) => name === query[axis]) ?? objectives[usual];
  const [x, y] = [axisIn('x', 1), axisIn('y', 0)];
  const lines = runs.map(({ id, frontier }) => {
    const points = frontier.flatMap((member) => {
      const at = pointOf(member, { x: x.name, y: y.name }, 'trial');
      if (at === null) return [];
      const { number, precision } = member;
      const isHollow = at.unreliable !== undefined;
      const label = `#${number}${isHollow ? ', latency not reliable' : ''}`;
      return [{ x: at.x, y: at.y, key: { run: id, number, precision }, label, isHollow }];
    });
    return { name: id, points: skyline(points, x.direction, y.direction) };
  });
  const log = 'log' in query ? query['log'] === 'x' : asksForLog(lines);
  const options = objectives.map(({ name }) => [name, titleOf(measures, name)] as const);
  const axisOf = ({ name }: (typeof objectives)[number]) => ({
    measure: name,
    text: (value: number) => `${titleOf(measures, name)}: ${textOf(measures, name, value)}`,
  });
  return (
    <section>
      <h2>Frontiers</h2>
      <div class="toolbar">
        {objectives.length > 2 && (
          <>
            <Select label="Across" value={x.name} options={options} onChange={(name) => change({ x: name })} />
            <Select label="Up" value={y.name} options={options} onChange={(name) => change({ y: name })} />
          </>
        )}
        <Checkbox
          label={`${titleOf(measures, x.name)} on a logarithmic axis`}
          checked={log}
          onChange={(checked) => change({ log: checked ? 'x' : 'none' })}
        />
      </div>
      <Chart
        label={`Frontiers of ${runs.map(({ id }) => id).join(', ')}: ${titleOf(measures, y.name)} over ${titleOf(measures, x.name)}`}
        zoom="xy"
        height={460}
        onPoint={(key) => route(addressOf(key as Member))}
        option={overlayOption({
          lines,
          x: { ...axisOf(x), log },
          y: axisOf(y),
          measures,
          theme,
          step: turnOf(x.direction),
          marks: true,
        })}
        table={() => <FrontierTable answer={answer} />}
      />
      {lines.some(({ points }) => points.some(({ isHollow }) => isHollow)) && (
        <p class="note">Hollow marks: latency not reliable.</p>
      )}
      {objectives.length > 2 && (
        <p class="note">
          The runs have {objectives.length} objectives: networks that are dominated in this plane are listed in the
          table, but not drawn.
        </p>
      )}
    </section>
  );
}

const views = [
  { title: 'Over trials', over: 'trials' },
  { title: 'Over compute', over: 'seconds' },
] as const;

export function ComparedHypervolumes({ answer }: Props) {
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
              table={() => <HypervolumeTable runs={runs} />}
            />
          </div>
        ))}
      </div>
      <p class="note">
        The share of the space between the worst and the best values of all compared runs that a frontier dominates;
        compute is the total time of the trials. It changes when runs join the comparison or continue: compare within
        one chart only.
      </p>
    </section>
  );
}
