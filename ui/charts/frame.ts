import { font, type ChartTheme } from './theme.js';
import type { ChartOption, ChartSeries } from './echarts.js';

export interface Heading {
  readonly title?: string;
  readonly subtitle?: readonly string[];
}

const lineHeight = 16;

/** The top of the plot below its heading, px. */
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

/** The common options of every chart: colours, heading, and margins. @param rows of its legend */
export const frameOf = (theme: ChartTheme, rows = 0, heading: Heading = {}) => ({
  animation: false,
  backgroundColor: theme.card,
  ...titleOf(heading, theme),
  grid: {
    left: 14,
    right: 26,
    top: topOf(heading),
    bottom: 12 + 24 * rows,
    outerBoundsMode: 'same' as const,
    outerBoundsContain: 'all' as const,
  },
});

/** A tooltip that says a text. It is plain on the canvas: user input never becomes markup. */
export const saying = (theme: ChartTheme, text: (at: Pointed) => string) => ({
  trigger: 'item' as const,
  renderMode: 'richText' as const,
  confine: true,
  transitionDuration: 0,
  backgroundColor: theme.card,
  borderColor: theme.faint,
  borderWidth: 1,
  textStyle: { color: theme.ink, fontFamily: font, fontSize: 13, lineHeight: 19 },
  formatter: (at: unknown): string => plainText(text(at as Pointed)),
});

/** Sizes of legends, px. */
const legendSizes = { itemGap: 18, itemWidth: 14, itemHeight: 11 } as const;

export const legendStyle = (theme: ChartTheme) => ({
  bottom: 6,
  left: 'center' as const,
  ...legendSizes,
  textStyle: { color: theme.ink, fontFamily: font, fontSize: 12 },
  inactiveColor: theme.faint,
  itemStyle: { borderType: 'inherit' as const },
});

/** A hollow mark: a value that is less sure than others; with dashes, one that is not reliable. */
export const hollow = (theme: ChartTheme, color: string, isDashed: boolean) => ({
  color: theme.card,
  borderColor: color,
  borderWidth: 1.6,
  ...(isDashed && { borderType: [2, 2] }),
});

/** An empty series that explains hollow marks in the legend. */
export const explained = (theme: ChartTheme, name: string, isDashed: boolean): ChartSeries => ({
  type: 'scatter',
  id: name,
  name,
  symbol: 'circle',
  itemStyle: hollow(theme, theme.soft, isDashed),
  data: [],
});

/** Lines that mark values. ECharts rounds their places to two decimals by default: 0.0466 to 0.05. */
export const markLines = { silent: true, symbol: 'none', animation: false, precision: 12 } as const;

/** Replaces braces, which ECharts reads as the start of a style. */
export const plainText = (text: string): string => text.replaceAll('{', '(').replaceAll('}', ')');

/** Breaks a text into lines of about `length` characters. */
export function wrapped(text: string, length: number): string[] {
  const lines: string[] = [];
  for (const word of text.trim().split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length >= length) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** The mark under the pointer, as ECharts describes it. */
export interface Pointed {
  readonly seriesName?: string;
  readonly seriesId?: string;
  readonly seriesIndex?: number;
  readonly dataIndex: number;
  readonly value: unknown;
  readonly data: unknown;
}

/** A property of a mark's data item; undefined where the item is no object. */
export const itemOf = (data: unknown, name: string): unknown =>
  typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>)[name] : undefined;

/** The numbers of a mark's value; NaN for anything else. */
export const numbersOf = ({ value }: Pick<Pointed, 'value'>): readonly number[] =>
  Array.isArray(value) ? value.map(Number) : [Number(value)];

/** The average width of a letter of the legend, px. */
const letter = 7.2;
/** The height of a row of the legend, px. */
const rowHeight = 32;
/** Charts at least this wide have enough room for their legends, px. */
const narrow = 640;

/** The number of rows that a legend needs in a width of px. */
export function legendRows(names: readonly string[], width: number, mark: unknown = legendSizes.itemWidth): number {
  let rows = names.length === 0 ? 0 : 1;
  let used = 0;
  for (const name of names) {
    const own = Number(mark) + 5 + letter * name.length;
    if (used > 0 && used + own > width) {
      rows++;
      used = 0;
    }
    used += own + legendSizes.itemGap;
  }
  return rows;
}

/** ECharts' types of components are lost where options are composed. */
const isComponent = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Shortens the names of a legend that are longer than a chart of px. */
export function legendIn({ legend }: ChartOption, width: number): unknown {
  if (!isComponent(legend)) return undefined;
  const write = typeof legend['formatter'] === 'function' ? (legend['formatter'] as typeof plainText) : plainText;
  const most = Math.max(8, Math.floor((width - 60) / letter));
  return {
    formatter: (name: string): string => write(name.length > most ? `${name.slice(0, most - 1)}…` : name),
  };
}

/** The widths of category labels in a chart of px: each has the place of its category. */
export function labelsIn({ xAxis }: ChartOption, width: number): unknown {
  if (!Array.isArray(xAxis)) return undefined;
  return xAxis.map((axis: unknown) =>
    isComponent(axis) && axis['type'] === 'category' && Array.isArray(axis['data'])
      ? {
          axisLabel: {
            interval: 0,
            width: Math.max(24, (width - 110) / axis['data'].length - 6),
            overflow: 'truncate',
          },
        }
      : {},
  );
}

/** The grid of a chart in a width of px. On phones, it leaves room for a legend of several rows. */
export function gridIn({ grid, legend, series }: ChartOption, width: number): unknown {
  if (width >= narrow || !isComponent(legend) || !isComponent(grid) || typeof grid['bottom'] !== 'number') return grid;
  const { data } = legend;
  const names = Array.isArray(data) ? data.map(String) : series.flatMap(({ name }) => name ?? []).map(String);
  const rows = legendRows([...new Set(names)], width - 20, legend['itemWidth']);
  return { ...grid, bottom: Math.max(grid['bottom'], 4 + rowHeight * rows) };
}
