import { percent } from '../../../base/number-text.js';
import type { CurvePoint, TrialAnswer } from '../../../experiments/page/api.js';
import { overlayOption, type OverlayLine } from '../../charts/overlay.js';
import { Chart, useLook } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { trialName } from './trial-head.js';

const stages = [
  { name: 'search', title: 'In the search' },
  { name: 'final', title: 'In the final training' },
] as const;

type Curves = readonly { readonly name: string; readonly points: readonly CurvePoint[] }[];

const measures = { accuracy: { title: 'validation accuracy', unit: 'share' } } as const;

const lineOf = ({ name, points }: Curves[number]): OverlayLine => ({
  name,
  // Epochs are counted from zero; people count them as they end.
  points: points.map(({ epoch, validationAccuracy }) => ({ x: epoch + 1, y: validationAccuracy })),
});

function CurveTable({ curves }: { readonly curves: Curves }) {
  const epochs = Math.max(...curves.map(({ points }) => points.length));
  return (
    <Table
      label="Validation accuracy by epoch"
      columns={[
        { title: 'epoch', numeric: true, heading: true, cell: (row: number) => row + 1 },
        ...curves.map(({ name, points }) => ({
          title: name,
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
  const look = useLook();
  const shown = stages.flatMap(({ name: stage, title }) => {
    const curves = answers.flatMap(({ trial }) => {
      const points = trial.curves[stage];
      return points.length === 0 ? [] : [{ name: trialName(trial), points }];
    });
    return curves.length === 0 ? [] : [{ title, curves }];
  });
  if (shown.length === 0) return null;
  return (
    <section>
      <h2>Learning curves</h2>
      <div class="side-charts">
        {shown.map(({ title, curves }) => (
          <div key={title}>
            <h3>{title}</h3>
            <Chart
              label={`${title}: validation accuracy by epoch of ${curves.map(({ name }) => name).join(', ')}`}
              height={320}
              option={overlayOption({
                lines: curves.map(lineOf),
                x: { measure: null, title: 'epoch', text: (epoch) => `after epoch ${epoch}` },
                y: { measure: 'accuracy', text: percent },
                measures,
                look,
                marks: false,
              })}
              table={() => <CurveTable curves={curves} />}
            />
          </div>
        ))}
      </div>
    </section>
  );
}
