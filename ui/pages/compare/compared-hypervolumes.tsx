import { duration, percent } from '../../../base/number-text.js';
import type { ComparisonAnswer, HypervolumePoint } from '../../../experiments/page/api.js';
import { overlayOption } from '../../charts/overlay.js';
import { Chart, useLook } from '../../components/chart.js';
import { Table } from '../../components/table.js';

const measures = { share: { title: 'hypervolume, of what all runs span', unit: 'share' } } as const;

/** Compute in the unit in which the longest run says it best. */
function computeUnit(seconds: number): { readonly title: string; readonly of: number } {
  if (seconds < 300) return { title: 'compute [s]', of: 1 };
  return seconds < 3 * 3600 ? { title: 'compute [min]', of: 60 } : { title: 'compute [h]', of: 3600 };
}

const trialsText = (trials: number): string => `after ${trials.toLocaleString('en-US')} trials`;

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

/** How much the frontiers dominate, as they grew: over trials, and over what these took. */
export function ComparedHypervolumes({ answer }: { readonly answer: ComparisonAnswer }) {
  const look = useLook();
  const { runs } = answer;
  const unit = computeUnit(Math.max(0, ...runs.map(({ points }) => points.at(-1)?.seconds ?? 0)));
  const views = [
    {
      title: 'Over trials',
      of: ({ trials }: HypervolumePoint) => trials,
      axis: 'trials that had ended',
      text: trialsText,
    },
    {
      title: 'Over compute',
      of: ({ seconds }: HypervolumePoint) => seconds / unit.of,
      axis: unit.title,
      text: (value: number) => `after ${duration(value * unit.of)} of compute`,
    },
  ];
  return (
    <section>
      <h2>Hypervolume</h2>
      <div class="side-charts">
        {views.map(({ title, of, axis, text }) => (
          <div key={title}>
            <h3>{title}</h3>
            <Chart
              label={`Hypervolume ${title.toLowerCase()} of ${runs.map(({ id }) => id).join(', ')}`}
              height={320}
              zoom="x"
              option={overlayOption({
                lines: runs.map(({ id, points }) => ({
                  name: id,
                  points: points.map((point) => ({ x: of(point), y: point.share })),
                })),
                x: { measure: null, title: axis, text },
                y: { measure: 'share', text: (share) => `dominates ${percent(share)}` },
                measures,
                look,
                step: 'end',
                marks: false,
              })}
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
