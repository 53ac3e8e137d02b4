import { textOf } from '../data/text.js';
import type { FrontierInput } from './frontier-points.js';
import { font } from './look.js';
import type { ChartSeries } from './option.js';

/** Constraints on what the axes show: a line where each bound is, and a shade over what lies beyond. */
export function boundsOf({ objectives, plane, measures, look }: FrontierInput): ChartSeries[] {
  const axes = [
    { axis: 'xAxis', name: plane.x },
    { axis: 'yAxis', name: plane.y },
  ] as const;
  const bounds = axes.flatMap(({ axis, name }) => {
    const constraint = objectives.find((objective) => objective.name === name)?.constraint;
    return (['min', 'max'] as const).flatMap((side) => {
      const at = constraint?.[side];
      return at === undefined || name === null
        ? []
        : [{ axis, side, at, text: `${side} ${textOf(measures, name, at)}` }];
    });
  });
  if (bounds.length === 0) return [];
  return [
    {
      type: 'scatter',
      id: 'bounds',
      silent: true,
      data: [],
      markLine: {
        silent: true,
        symbol: 'none',
        animation: false,
        // Without it, lines stand at values of two decimals: 0.046 ms at 0.05.
        precision: 12,
        lineStyle: { color: look.bound, width: 1.2, type: [6, 4] },
        label: { color: look.bound, fontFamily: font, fontSize: 11, position: 'insideEndTop' },
        data: bounds.map(({ axis, at, text }) => ({ [axis]: at, label: { formatter: text } })),
      },
      markArea: {
        silent: true,
        animation: false,
        itemStyle: { color: look.bound, opacity: 0.06 },
        data: bounds.map(({ axis, side, at }) =>
          side === 'max' ? [{ [axis]: at }, { [axis]: Infinity }] : [{ [axis]: -Infinity }, { [axis]: at }],
        ),
      },
    },
  ];
}
