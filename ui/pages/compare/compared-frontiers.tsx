import { useLocation } from 'preact-iso';
import type { CandidateKey, ComparisonAnswer, RunId } from '../../../experiments/page/api.js';
import { asksForLog, overlayOption, type OverlayLine } from '../../charts/overlay.js';
import { skyline, turnOf } from '../../charts/points.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { trialAddress, withQuery } from '../../data/addresses.js';
import { textOf, titleOf } from '../../data/measures.js';

type Compared = ComparisonAnswer['runs'][number];

/** A member of a run's frontier, as the page is told of it. */
interface Place extends CandidateKey {
  readonly run: RunId;
}

const isPlace = (key: unknown): key is Place => typeof key === 'object' && key !== null && 'run' in key;

const addressOf = ({ run, number }: Place): string => trialAddress(run, number);

/** The members of all frontiers as rows. */
function FrontierTable({ answer }: { readonly answer: ComparisonAnswer }) {
  const rows = answer.runs.flatMap(({ id, frontier }) => frontier.map((member) => ({ ...member, run: id })));
  return (
    <Table
      label="Members of the frontiers"
      columns={[
        { title: 'run', cell: ({ run }) => run },
        { title: 'trial', heading: true, cell: (row) => <a href={addressOf(row)}>#{row.number}</a> },
        { title: 'precision', cell: ({ precision }) => precision },
        ...answer.objectives.map(({ name }) => ({
          title: titleOf(answer.measures, name),
          numeric: true,
          cell: ({ values }: (typeof rows)[number]) => textOf(answer.measures, name, values[name]),
        })),
      ]}
      rows={rows}
    />
  );
}

interface AxisProps {
  readonly label: string;
  readonly value: string;
  readonly answer: ComparisonAnswer;
  readonly choose: (name: string) => void;
}

function AxisField({ label, value, answer, choose }: AxisProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        {answer.objectives.map(({ name }) => (
          <option key={name} value={name}>
            {titleOf(answer.measures, name)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The objective that an address names; otherwise the usual one. */
function axisIn(
  answer: ComparisonAnswer,
  name: string | undefined,
  usual: 0 | 1,
): ComparisonAnswer['objectives'][number] {
  return answer.objectives.find((objective) => objective.name === name) ?? answer.objectives[usual];
}

/** The frontiers of runs in one plane. */
export function ComparedFrontiers({ answer }: { readonly answer: ComparisonAnswer }) {
  const theme = useChartTheme();
  const { path, query, route } = useLocation();
  const { objectives, measures, runs } = answer;
  if (objectives.length < 2) return null;
  const [x, y] = [axisIn(answer, query['x'], 1), axisIn(answer, query['y'], 0)];
  const lineOf = ({ id, frontier }: Compared): OverlayLine => {
    const points = frontier.flatMap(({ values, number, precision }) =>
      Object.hasOwn(values, x.name) && Object.hasOwn(values, y.name)
        ? [{ x: values[x.name], y: values[y.name], key: { run: id, number, precision }, label: `#${number}` }]
        : [],
    );
    return { name: id, points: skyline(points, x.direction, y.direction) };
  };
  const lines = runs.map(lineOf);
  const log = 'log' in query ? query['log'] === 'x' : asksForLog(lines, 'x');
  const ask = (changes: Readonly<Record<string, string>>) => route(withQuery(path, { ...query, ...changes }), true);
  return (
    <section>
      <h2>Frontiers</h2>
      <div class="toolbar">
        {objectives.length > 2 && (
          <>
            <AxisField label="Across" value={x.name} answer={answer} choose={(name) => ask({ x: name })} />
            <AxisField label="Up" value={y.name} answer={answer} choose={(name) => ask({ y: name })} />
          </>
        )}
        <label>
          <input
            type="checkbox"
            checked={log}
            onChange={({ currentTarget: { checked } }) => ask({ log: checked ? 'x' : 'none' })}
          />
          {titleOf(measures, x.name)} on a logarithmic axis
        </label>
      </div>
      <Chart
        label={`Frontiers of ${runs.map(({ id }) => id).join(', ')}: ${titleOf(measures, y.name)} over ${titleOf(measures, x.name)}`}
        zoom="xy"
        height={460}
        onPoint={(key) => isPlace(key) && route(addressOf(key))}
        option={overlayOption({
          lines,
          x: {
            measure: x.name,
            log,
            text: (value) => `${titleOf(measures, x.name)}: ${textOf(measures, x.name, value)}`,
          },
          y: { measure: y.name, text: (value) => `${titleOf(measures, y.name)}: ${textOf(measures, y.name, value)}` },
          measures,
          theme,
          step: turnOf(x.direction),
          marks: true,
        })}
        table={() => <FrontierTable answer={answer} />}
      />
      {objectives.length > 2 && (
        <p class="note">
          The runs have {objectives.length} objectives: members that others excel in this plane are left out of the
          picture, and stand in the table.
        </p>
      )}
    </section>
  );
}
