import { percent } from '../../base/number-text.js';
import type { ClassRow } from '../../reports/page/api.js';
import { plainAxis, shareTick } from './axis.js';
import type { ChartOption, ChartSeries } from './echarts.js';
import { frameOf, legendStyle, numbersOf, saying, type Heading } from './frame.js';
import { dashOf, hueOf, symbolOf, type ChartTheme } from './theme.js';

interface PrecisionRecallInput extends Heading {
  readonly classes: readonly ClassRow[];
  readonly theme: ChartTheme;
}

/** More classes are not told apart: those with the lowest AP50 are drawn. */
const mostClasses = 10;

/** The classes whose curves are drawn. */
export function drawnClasses(classes: readonly ClassRow[]): readonly ClassRow[] {
  const known = classes.filter(({ curve }) => curve !== undefined);
  if (known.length <= mostClasses) return known;
  const lowest = new Set(known.toSorted((a, b) => (a.ap50 ?? 0) - (b.ap50 ?? 0)).slice(0, mostClasses));
  return known.filter((row) => lowest.has(row));
}

/** The best precision of each class at a recall or a higher one, with a mark at its threshold. */
export function precisionRecallOption({ classes, theme, ...heading }: PrecisionRecallInput): ChartOption {
  const drawn = drawnClasses(classes);
  const names = drawn.map(({ name }) => name);
  const ends = { min: 0, max: 1 };
  const lines = drawn.map(({ name, curve = [] }, i): ChartSeries => {
    const color = hueOf(theme, i);
    // A recall that is never reached has no precision.
    const last = curve.findLastIndex((precision) => precision > 0);
    return {
      type: 'line',
      id: `curve ${i}`,
      name,
      symbol: symbolOf(i),
      symbolSize: 8,
      showSymbol: false,
      itemStyle: { color },
      lineStyle: { color, width: 1.8, type: dashOf(i) },
      data: curve.slice(0, last + 1).map((precision, at) => [at / (curve.length - 1), precision]),
    };
  });
  const marks = drawn.map(({ name, recall, precision }, i): ChartSeries => ({
    type: 'scatter',
    id: `threshold ${i}`,
    name,
    symbol: symbolOf(i),
    symbolSize: 9,
    itemStyle: { color: hueOf(theme, i) },
    data: typeof recall === 'number' && typeof precision === 'number' ? [[recall, precision]] : [],
  }));
  return {
    ...frameOf(theme, Math.min(4, Math.ceil(names.length / 6)), heading),
    xAxis: { ...plainAxis(theme, 'recall', shareTick), ...ends },
    yAxis: { ...plainAxis(theme, 'precision', shareTick), ...ends, nameGap: 48 },
    legend: { ...legendStyle(theme), itemWidth: 30, data: names },
    tooltip: saying(theme, (at) => {
      const [recall, precision] = numbersOf(at);
      return `${at.seriesName ?? ''}\nrecall ${percent(recall)}\nprecision ${percent(precision)}`;
    }),
    series: [...lines, ...marks],
  };
}
