import type { TopLevelSpec } from 'vega-lite';
import type { Quartiles } from '../../compare/statistics.js';
import { hues, renderSvg } from './render.js';

/** A method's hypervolume after each evaluation. */
export interface ComparedMethod {
  readonly method: string;
  readonly curve: readonly Quartiles[];
}

/** Evaluations at which a curve of many is drawn: each of the first, then ever fewer. */
const isDrawn = (n: number, last: number): boolean => n < 100 || n === last || n % Math.ceil(n / 100) === 0;

/** Where the vertical axis begins: a little below the lowest curve after a tenth of the evaluations. */
function lowest(methods: readonly ComparedMethod[]): number {
  const early = methods.map(({ curve }) => curve[Math.floor(curve.length / 10)]?.low ?? 0);
  return Math.max(0, Math.floor(50 * Math.min(...early)) / 50 - 0.02);
}

/** Hypervolume over evaluations: the median as a line, the middle half as a band around it. */
export function comparisonSpec(methods: readonly ComparedMethod[], subtitle: readonly string[]): TopLevelSpec {
  const names = methods.map(({ method }) => method);
  const bottom = lowest(methods);
  const values = methods.flatMap(({ method, curve }) =>
    curve.flatMap((at, n) => {
      if (!isDrawn(n, curve.length - 1)) return [];
      const clipped = (value: number): number => Math.max(bottom, value);
      return { method, n: n + 1, low: clipped(at.low), median: clipped(at.median), high: clipped(at.high) };
    }),
  );
  const quantitative = 'quantitative' as const;
  const x = { field: 'n', type: quantitative, title: 'evaluations', scale: { nice: false } };
  const y = {
    type: quantitative,
    title: "share of the true frontier's hypervolume",
    scale: { domain: [bottom, 1], nice: false },
    axis: { format: '.2f' },
  };
  const color = {
    field: 'method',
    type: 'nominal' as const,
    scale: { domain: names, range: names.map((_, i) => hues[i % hues.length]) },
  };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 820,
    height: 460,
    title: { text: 'Controllers on a table of results', subtitle: [...subtitle] },
    data: { values },
    layer: [
      {
        mark: { type: 'area', opacity: 0.15 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
      },
      { mark: { type: 'line', strokeWidth: 1.8 }, encoding: { x, y: { ...y, field: 'median' }, color } },
    ],
  };
}

export const renderComparison = (methods: readonly ComparedMethod[], subtitle: readonly string[]): Promise<string> =>
  renderSvg(comparisonSpec(methods, subtitle));
