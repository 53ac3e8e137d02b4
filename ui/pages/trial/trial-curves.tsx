import { useMemo } from 'preact/hooks';
import { percent } from '../../../base/number-text.js';
import type { CurvePoint, ReportMember } from '../../../experiments/page/api.js';
import { useRun } from '../../app/current-run.js';
import { curvesOption } from '../../charts/curves.js';
import { Chart, useLook } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { joinedCurve } from '../../data/trainings.js';

const stages = [
  { stage: 'search', title: 'epoch of the search', known: ({ curves }: ReportMember) => curves.search },
  { stage: 'final', title: 'epoch of the final training', known: ({ curves }: ReportMember) => curves.final },
  {
    stage: 'quantize-aware',
    title: 'epoch with the rounding of 8 bits',
    known: ({ curves }: ReportMember): readonly CurvePoint[] => curves.quantizeAware ?? [],
  },
] as const;

/** Its learning curves, also while they grow. */
export function TrialCurves({ trial }: { readonly trial: ReportMember }) {
  const { live } = useRun();
  const look = useLook();
  const { number } = trial;
  const grown = stages.map(({ stage }) => live.curveOf({ stage, trial: number }));
  const panels = useMemo(
    () =>
      stages
        .map(({ title, known }, i) => ({
          title,
          curves: [{ label: `#${number}`, points: joinedCurve(known(trial), grown[i]) }],
        }))
        .filter(({ curves: [{ points }] }) => points.length > 0),
    [trial, number, ...grown],
  );
  const option = useMemo(() => curvesOption({ panels, look }), [panels, look]);
  if (panels.length === 0) return null;
  const rows = panels.flatMap(({ title, curves: [{ points }] }) =>
    points.map((point) => ({ title: title.replace('epoch of ', '').replace('epoch ', ''), ...point })),
  );
  return (
    <section>
      <h3>Learning curves</h3>
      <Chart
        option={option}
        height={320}
        label={`Validation accuracy of trial ${number} over epochs`}
        table={() => (
          <Table
            label="Epochs"
            rows={rows}
            columns={[
              { title: 'training', cell: ({ title }) => title },
              { title: 'epoch', numeric: true, cell: ({ epoch }) => epoch + 1 },
              { title: 'training loss', numeric: true, cell: ({ trainLoss }) => trainLoss.toPrecision(4) },
              {
                title: 'validation accuracy',
                numeric: true,
                cell: ({ validationAccuracy }) => percent(validationAccuracy),
              },
            ]}
          />
        )}
      />
    </section>
  );
}
