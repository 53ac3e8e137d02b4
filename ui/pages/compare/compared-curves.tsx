import { percent } from '../../../base/number-text.js';
import type { TrialAnswer } from '../../../experiments/page/api.js';
import { curvesOption, type Curve } from '../../charts/curves.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { trialName } from './trial-head.js';

const stages = [
  { name: 'search', title: 'In the search', axis: 'epoch of the search' },
  { name: 'final', title: 'In the final training', axis: 'epoch of the final training' },
] as const;

function CurveTable({ curves }: { readonly curves: readonly Curve[] }) {
  const epochs = Math.max(...curves.map(({ points }) => points.length));
  return (
    <Table
      label="Validation accuracy by epoch"
      columns={[
        { title: 'epoch', numeric: true, heading: true, cell: (row: number) => row + 1 },
        ...curves.map(({ label, points }) => ({
          title: label,
          numeric: true,
          cell: (row: number) => {
            const point = points.find(({ epoch }) => epoch === row);
            return point === undefined ? '-' : percent(point.validationAccuracy);
          },
        })),
      ]}
      rows={Array.from({ length: epochs }, (_, row) => row)}
    />
  );
}

/** How trials learned, over each other. */
export function ComparedCurves({ answers }: { readonly answers: readonly TrialAnswer[] }) {
  const theme = useChartTheme();
  const shown = stages.flatMap(({ name: stage, title, axis }) => {
    // Those without points keep their colours for the other stage.
    const curves = answers.map(({ trial }) => ({ label: trialName(trial), points: trial.curves[stage] }));
    return curves.every(({ points }) => points.length === 0) ? [] : [{ title, axis, curves }];
  });
  if (shown.length === 0) return null;
  return (
    <section>
      <h2>Learning curves</h2>
      <div class="side-charts">
        {shown.map(({ title, axis, curves }) => (
          <div key={title}>
            <h3>{title}</h3>
            <Chart
              label={`${title}: validation accuracy by epoch of ${curves.map(({ label }) => label).join(', ')}`}
              height={320}
              option={curvesOption({ panels: [{ title: axis, curves }], theme })}
              table={() => <CurveTable curves={curves} />}
            />
          </div>
        ))}
      </div>
    </section>
  );
}
