import { expect, it } from 'vitest';
import { heatExtent, heatMapOption } from '../../../../ui/charts/heat-map.js';
import { chartThemes } from '../../../../ui/charts/theme.js';
import { decisionOrder, heatCells } from '../../../../ui/pages/importance/complete-trials.js';
import { hoverOf, textsOf } from '../../charts/support.js';
import { candidatesOf } from '../../data/columns.js';

const candidates = candidatesOf(
  [
    [3, 'relu', 0.8],
    [3, 'relu', 0.9],
    [5, 'relu', 0.7],
    [3, 'swish', 0.6],
  ].map(([kernel, act, accuracy], number) => ({
    number,
    values: { accuracy: Number(accuracy) },
    choices: { kernel, act },
  })),
);
const trials = { candidates, rows: [0, 1, 2, 3], frontier: new Set<number>() };

it('pairs of choices have the mean, the spread and the number of their trials; others have no cell', () => {
  const [act, kernel] = decisionOrder(trials, []).toSorted((a, b) => a.name.localeCompare(b.name));
  const cells = heatCells(trials, kernel, act, 'accuracy');
  expect(cells.map(({ column, row, count }) => [column, row, count])).toEqual([
    [0, 0, 2],
    [1, 0, 1],
    [0, 1, 1],
  ]);
  expect(cells[0].mean).toBeCloseTo(0.85);
  expect(cells[0].deviation).toBeCloseTo(Math.sqrt(0.005));
  expect(cells[0].error).toBeCloseTo(0.05);
  expect(cells[1]).toMatchObject({ mean: 0.7, deviation: null, error: null, least: 0.7, greatest: 0.7 });

  const option = heatMapOption({
    columns: { name: 'kernel', choices: ['3', '5'] },
    rows: { name: 'act', choices: ['relu', 'swish'] },
    cells,
    measure: 'accuracy',
    shows: 'mean',
    measures: { accuracy: { title: 'accuracy', unit: 'share' } },
    theme: chartThemes.light,
  });
  expect(textsOf(option).join(' ')).toMatch(/85\.00 % .*± 5\.00 % .*n = 2/);
  expect(hoverOf(option, { data: { key: cells[0] } })).toBe(
    'kernel: 3\nact: relu\n2 trials\nmean 85.00 % ± 5.00 % (standard error)\nstandard deviation 7.07 %\nfrom 80.00 % to 90.00 %',
  );
  expect(heatExtent({ cells, shows: 'trials' })).toEqual([1, 2]);
  expect(heatExtent({ cells: [], shows: 'mean' })).toBeNull();
});
