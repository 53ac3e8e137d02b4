import { font, type ChartTheme } from './theme.js';
import type { ChartOption } from './echarts.js';

/** Words above a chart. */
export interface Heading {
  readonly title?: string;
  readonly subtitle?: readonly string[];
}

const lineHeight = 16;

/** Where the plot begins under its heading, px. */
export const topOf = ({ title, subtitle = [] }: Heading): number =>
  (title === undefined ? 14 : 46) + lineHeight * subtitle.length + (subtitle.length > 0 ? 8 : 0);

const titleOf = ({ title, subtitle = [] }: Heading, theme: ChartTheme) =>
  title === undefined
    ? {}
    : {
        title: {
          left: 10,
          top: 10,
          text: title,
          subtext: subtitle.join('\n'),
          itemGap: 8,
          textStyle: { color: theme.ink, fontFamily: font, fontSize: 17, fontWeight: 600 },
          subtextStyle: { color: theme.soft, fontFamily: font, fontSize: 12, lineHeight },
        },
      };

/** What lies around the plot of every chart: colours, heading, margins, legend at the foot, words on what is pointed at. */
export const frameOf = (theme: ChartTheme, heading: Heading, legend: { readonly rows: number }) => ({
  animation: false,
  backgroundColor: theme.card,
  ...titleOf(heading, theme),
  grid: {
    left: 14,
    right: 26,
    top: topOf(heading),
    bottom: 12 + 24 * legend.rows,
    outerBoundsMode: 'same' as const,
    outerBoundsContain: 'all' as const,
  },
  tooltip: {
    ...tooltipStyle(theme),
    trigger: 'item' as const,
  },
});

/** Drawn on the canvas as plain text: what users wrote never becomes markup. */
const tooltipStyle = (theme: ChartTheme) => ({
  renderMode: 'richText' as const,
  confine: true,
  transitionDuration: 0,
  backgroundColor: theme.card,
  borderColor: theme.faint,
  borderWidth: 1,
  textStyle: { color: theme.ink, fontFamily: font, fontSize: 13, lineHeight: 19 },
});

/** Of legends, px. */
const legendSizes = { itemGap: 18, itemWidth: 14, itemHeight: 11 } as const;

export const legendStyle = (theme: ChartTheme) => ({
  bottom: 6,
  left: 'center' as const,
  ...legendSizes,
  textStyle: { color: theme.ink, fontFamily: font, fontSize: 12 },
  inactiveColor: theme.faint,
});

/** Braces would be read as the beginning of a style. */
export const plainText = (text: string): string => text.replaceAll('{', '(').replaceAll('}', ')');

/** What ECharts says of the mark that is pointed at. */
interface Pointed {
  readonly seriesName?: string;
  readonly seriesIndex?: number;
  readonly dataIndex: number;
  readonly value: unknown;
  readonly data: unknown;
}

/** A tooltip's formatter of marks one by one; what it gives is written as it is. */
export const saying =
  (text: (at: Pointed) => string) =>
  (at: unknown): string =>
    plainText(text(at as Pointed));

/** The numbers of a mark's value; what is no number is NaN. */
export const numbersOf = ({ value }: Pick<Pointed, 'value'>): readonly number[] =>
  Array.isArray(value) ? value.map(Number) : [Number(value)];

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
