import { useMemo } from 'preact/hooks';
import { percent } from '../../../base/number-text.js';
import { useQuery, useRun, useThrottled } from '../../data/hooks.js';
import { overlayOption } from '../../charts/overlay.js';
import { distributionOf, valueAt } from '../../charts/points.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Select } from '../../components/elements.js';
import { numberColumn, Table } from '../../components/table.js';
import type { Candidates } from '../../data/candidates.js';
import { textOf, titleOf } from '../../data/measures.js';
import type { Test } from '../../filter/compile.js';

interface Distribution {
  readonly name: string;
  readonly values: readonly number[];
}

/** The values of complete trials: of the first half, and of the second one, in the order of trial numbers. */
function halvesOf(
  { chosen, state, number, values }: Candidates,
  measure: string,
  test: Test | null = null,
): readonly Distribution[] {
  const column = values.get(measure) ?? [];
  const found = column.flatMap((value, row) =>
    value !== null && chosen[row] && state[row] === 'complete' && (test?.(row) ?? true)
      ? [{ value, number: number[row] }]
      : [],
  );
  const inOrder = found.sort((a, b) => a.number - b.number).map(({ value }) => value);
  const middle = Math.ceil(inOrder.length / 2);
  return [
    { name: 'first half of the trials', values: inOrder.slice(0, middle) },
    { name: 'second half', values: inOrder.slice(middle) },
  ].filter((half) => half.values.length > 0);
}

const share = { title: 'share of trials', unit: 'share' } as const;

const quantiles = [0.1, 0.25, 0.5, 0.75, 0.9] as const;

/** How an objective is distributed (EDF): what the search found early and late. */
export function DistributionCard({ test }: { readonly test: Test | null }) {
  const { live, info } = useRun();
  const { candidates } = live;
  const { objectives, measures } = info;
  const [query, change] = useQuery();
  const theme = useChartTheme();
  const version = useThrottled(live.version, 2000);
  const names = objectives.map(({ name }) => name);
  const measure = names.find((name) => name === query['edf']) ?? names[0];
  const lines = useMemo(() => halvesOf(candidates, measure, test), [candidates, measure, version, test]);
  const option = useMemo(
    () =>
      overlayOption({
        lines: lines.map(({ name, values }) => ({ name, points: distributionOf(values).map(([x, y]) => ({ x, y })) })),
        x: { measure, text: (value) => `at most ${textOf(measures, measure, value)}` },
        y: { measure: 'share', text: (value) => `${percent(value)} of the trials` },
        measures: { ...measures, share },
        theme,
        step: 'end',
        marks: false,
      }),
    [lines, measure, measures, theme],
  );
  if (lines.length === 0) return null;
  const rows = lines.map(({ name, values }) => ({ name, values: values.toSorted((a, b) => a - b) }));
  return (
    <section>
      <div class="head">
        <h2>Distribution</h2>
        <Select
          label="of"
          value={measure}
          options={names.map((name) => [name, titleOf(measures, name)])}
          onChange={(name) => change({ edf: name })}
        />
      </div>
      <Chart
        option={option}
        height={300}
        label={`Share of complete trials by ${titleOf(measures, measure)}`}
        table={() => (
          <Table
            label="Quantiles"
            rows={rows}
            columns={[
              { title: 'trials', heading: true, cell: ({ name }) => name },
              ...quantiles.map((quantile) =>
                numberColumn(`${100 * quantile} %`, ({ values }: Distribution) =>
                  textOf(measures, measure, valueAt(values, quantile)),
                ),
              ),
            ]}
          />
        )}
      />
      <p class="note">
        The share of complete trials whose value is at most this one (empirical distribution function).
      </p>
    </section>
  );
}
