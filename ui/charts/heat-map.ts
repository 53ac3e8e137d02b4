import { textOf } from '../data/measures.js';
import { axisStyle, extentOf, spansDecades, type Measures } from './axis.js';
import type { ChartOption } from './echarts.js';
import { frameOf, itemOf, plainText, saying } from './frame.js';
import { font, mixed, type ChartTheme } from './theme.js';

/** The trials with one pair of choices. */
export interface HeatCell {
  /** Indices of the choices. */
  readonly column: number;
  readonly row: number;
  readonly count: number;
  readonly mean: number;
  /** Standard deviation of the trials, and standard error of the mean; null for a single trial. */
  readonly deviation: number | null;
  readonly error: number | null;
  readonly least: number;
  readonly greatest: number;
}

interface HeatAxis {
  readonly name: string;
  readonly choices: readonly string[];
}

/** What the colour of a cell can show. */
export const heatValues = {
  mean: ({ mean }) => mean,
  spread: ({ deviation }) => deviation,
  trials: ({ count }) => count,
} as const satisfies Readonly<Record<string, (cell: HeatCell) => number | null>>;
export type HeatValue = keyof typeof heatValues;

export interface HeatMapInput {
  readonly columns: HeatAxis;
  readonly rows: HeatAxis;
  readonly cells: readonly HeatCell[];
  readonly measure: string;
  readonly shows: HeatValue;
  readonly measures: Measures;
  readonly theme: ChartTheme;
}

/** Cells of fewer trials have a dashed border. */
export const fewTrials = 3;

export const heatText = ({ measure, shows, measures }: Omit<HeatMapInput, 'cells'>, value: number | null): string =>
  shows === 'trials' ? String(value ?? 0) : textOf(measures, measure, value);

/** The least and the greatest shown value; null without any. */
export const heatExtent = ({ cells, shows }: Pick<HeatMapInput, 'cells' | 'shows'>) =>
  extentOf(cells.flatMap((cell) => heatValues[shows](cell) ?? []));

export const heatHeight = ({ choices }: HeatAxis): number => Math.min(900, 100 + 52 * Math.max(2, choices.length));

/** A map of two decisions: each cell shows the trials with one pair of choices. Pairs without trials are empty. */
export function heatMapOption(input: HeatMapInput): ChartOption {
  const { columns, rows, cells, measure, shows, measures, theme } = input;
  const axis = axisStyle(theme);
  const extent = heatExtent(input);
  const log = spansDecades(extent);
  const [low, high] = (extent ?? [0, 1]).map((end) => (log ? Math.log(end) : end));
  /** The strength of a cell's colour, in [0, 1]. */
  const strength = (value: number): number =>
    high > low ? ((log ? Math.log(value) : value) - low) / (high - low) : 0.5;
  const write = (value: number | null): string => textOf(measures, measure, value);
  const category = ({ name, choices }: HeatAxis) => ({
    ...axis,
    type: 'category' as const,
    name: plainText(name),
    data: choices.map(plainText),
    axisTick: { show: false },
    splitLine: { show: false },
  });
  return {
    ...frameOf(theme),
    xAxis: [{ ...category(columns), nameGap: 28, axisLabel: { ...axis.axisLabel, overflow: 'truncate' } }],
    yAxis: {
      ...category(rows),
      inverse: true,
      nameGap: 20,
      axisLabel: { ...axis.axisLabel, hideOverlap: false, interval: 0, width: 90, overflow: 'truncate' },
    },
    tooltip: saying(theme, ({ data }) => {
      const cell = itemOf(data, 'key') as HeatCell | undefined;
      if (cell === undefined) return '';
      return [
        `${columns.name}: ${columns.choices[cell.column]}`,
        `${rows.name}: ${rows.choices[cell.row]}`,
        cell.count === 1 ? '1 trial' : `${cell.count} trials`,
        `mean ${write(cell.mean)}${cell.error === null ? '' : ` ± ${write(cell.error)} (standard error)`}`,
        ...(cell.deviation === null ? [] : [`standard deviation ${write(cell.deviation)}`]),
        `from ${write(cell.least)} to ${write(cell.greatest)}`,
      ].join('\n');
    }),
    series: [
      {
        type: 'custom',
        dimensions: ['column', 'row'],
        encode: { x: 'column', y: 'row' },
        data: cells.map((cell) => ({ value: [cell.column, cell.row], key: cell })),
        renderItem: ({ dataIndex }, api) => {
          const cell = cells[dataIndex];
          const [x, y] = api.coord([cell.column, cell.row]);
          const size = api.size?.([1, 1]);
          const [width, height] = Array.isArray(size) ? size : [0, 0];
          const value = heatValues[shows](cell);
          const share = value === null ? 0 : strength(value);
          const isFew = cell.count < fewTrials;
          const lines = [
            heatText(input, value),
            ...(shows === 'mean' && cell.error !== null && height > 48 ? [`± ${write(cell.error)}`] : []),
            ...(shows !== 'trials' && height > 32 ? [`n = ${cell.count}`] : []),
          ];
          return {
            type: 'group',
            children: [
              {
                type: 'rect',
                shape: { x: x - width / 2 + 1, y: y - height / 2 + 1, width: width - 2, height: height - 2 },
                style: {
                  fill: mixed(theme.least, theme.greatest, share),
                  stroke: isFew ? theme.ink : theme.card,
                  lineWidth: 1,
                  ...(isFew && { lineDash: [3, 3] }),
                },
              },
              ...(width < 60 || height < 18
                ? []
                : [
                    {
                      type: 'text' as const,
                      silent: true,
                      style: {
                        text: lines.join('\n'),
                        x,
                        y,
                        align: 'center' as const,
                        verticalAlign: 'middle' as const,
                        font: `12px ${font}`,
                        lineHeight: 15,
                        fill: share > 0.5 ? theme.card : theme.ink,
                      },
                    },
                  ]),
            ],
          };
        },
      },
    ],
  };
}
