import { legendSizes } from './frame.js';
import type { ChartOption } from './option.js';

/** px of a letter of the legend, in the mean. */
const letter = 6.6;
/** px between the top of a row of the legend and that of the next one. */
const rowHeight = 32;
/** Wider charts leave enough room for their legends as they are. */
const narrow = 640;

/** Rows that a legend takes in so many px: it goes on in another one where a name finds no room. */
export function legendRows(names: readonly string[], width: number): number {
  let rows = names.length === 0 ? 0 : 1;
  let taken = 0;
  for (const name of names) {
    const own = legendSizes.itemWidth + 5 + letter * name.length;
    if (taken > 0 && taken + own > width) {
      rows++;
      taken = 0;
    }
    taken += own + legendSizes.itemGap;
  }
  return rows;
}

/** Of ECharts' types, those of parts are lost where options are composed. */
const isPart = (part: unknown): part is Readonly<Record<string, unknown>> =>
  typeof part === 'object' && part !== null && !Array.isArray(part);

/** Where the plot of a chart is, so that on phones its legend does not lie over the title of the axis. */
export function gridIn({ grid, legend, series }: ChartOption, width: number): unknown {
  if (width >= narrow || !isPart(legend) || !isPart(grid) || typeof grid['bottom'] !== 'number') return grid;
  const { data } = legend;
  const names = Array.isArray(data) ? data.map(String) : series.flatMap(({ name }) => name ?? []).map(String);
  const rows = legendRows([...new Set(names)], width - 20);
  return { ...grid, bottom: Math.max(grid['bottom'], 4 + rowHeight * rows) };
}
