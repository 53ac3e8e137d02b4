import type { CandidateKey } from '../../experiments/page/api.js';
import { textOf, titleOf } from '../data/measures.js';
import { extentOf, spansDecades, type Measures } from './axis.js';
import { frameOf, itemOf, saying, topOf, type Heading } from './frame.js';
import { font, type ChartTheme } from './theme.js';
import type { ChartOption } from './echarts.js';
import { thinned } from './points.js';

export type ParallelAxis =
  | { readonly kind: 'decision'; readonly name: string; readonly choices: readonly string[] }
  | { readonly kind: 'measure'; readonly name: string };

/** A candidate as a line, with its value on each axis. Choices are texts. */
export interface ParallelRow {
  readonly key: CandidateKey;
  readonly values: readonly (number | string | null)[];
  readonly onFrontier: boolean;
}

export interface ParallelInput extends Heading {
  readonly axes: readonly ParallelAxis[];
  readonly rows: readonly ParallelRow[];
  readonly measures: Measures;
  readonly theme: ChartTheme;
}

/** The most lines; of more, evenly spread ones are drawn, and the whole frontier. */
export const mostLines = 2000;

/** The width that this number of axes needs, px. */
export const parallelWidth = (axes: number): number => 140 + 90 * axes;

/** Parallel coordinates with the frontier on top. Dragging along an axis selects lines. */
export function parallelOption({ axes, rows, measures, theme, ...heading }: ParallelInput): ChartOption {
  const frame = frameOf(theme, heading, { rows: 0 });
  const frontier = rows.filter(({ onFrontier }) => onFrontier);
  const others = thinned(
    rows.filter(({ onFrontier }) => !onFrontier),
    mostLines,
    () => false,
  );
  const valuesOf = (i: number): number[] =>
    rows.flatMap(({ values }) => (typeof values[i] === 'number' ? [values[i]] : []));
  const lines = (name: string, own: readonly ParallelRow[], style: { color: string; width: number; opacity: number }) =>
    ({
      type: 'parallel',
      name,
      smooth: false,
      lineStyle: style,
      inactiveOpacity: 0.02,
      activeOpacity: style.opacity,
      progressive: 500,
      data: own.map(({ key, values }) => ({ value: values.map((value) => value ?? '-'), key })),
    }) as const;
  return {
    animation: false,
    backgroundColor: frame.backgroundColor,
    ...('title' in frame ? { title: frame.title } : {}),
    tooltip: {
      ...frame.tooltip,
      formatter: saying(({ data, value }) => {
        const values = Array.isArray(value) ? (value as unknown[]) : [];
        const texts = axes.map((axis, i) => {
          const own = values[i];
          const text =
            axis.kind === 'measure' && typeof own === 'number' ? textOf(measures, axis.name, own) : String(own);
          return `${titleOf(measures, axis.name)}: ${text}`;
        });
        return [numberText(data), ...texts].join('\n');
      }),
    },
    parallel: {
      left: 60,
      right: 70,
      top: topOf(heading) + 60,
      bottom: 24,
      parallelAxisDefault: {
        nameLocation: 'start',
        inverse: false,
        nameGap: 14,
        nameRotate: 30,
        nameTruncate: { maxWidth: 130 },
        nameTextStyle: { color: theme.ink, fontFamily: font, fontSize: 12, align: 'left' },
        axisLine: { lineStyle: { color: theme.faint } },
        axisTick: { lineStyle: { color: theme.faint } },
        axisLabel: {
          color: theme.ink,
          backgroundColor: theme.card,
          padding: [1, 3],
          fontFamily: font,
          fontSize: 11,
        },
        areaSelectStyle: { color: theme.search, opacity: 0.2, width: 18, borderColor: theme.search },
      },
    },
    parallelAxis: axes.map((axis, dim) => {
      const common = { dim, z: 6, name: titleOf(measures, axis.name), nameLocation: 'end' };
      if (axis.kind === 'decision')
        return { ...common, type: 'category', data: [...axis.choices], axisLabel: { formatter: shortened } };
      const log = spansDecades(extentOf(valuesOf(dim)));
      const formatter = (value: number): string => textOf(measures, axis.name, value);
      return { ...common, type: log ? 'log' : 'value', scale: true, axisLabel: { formatter } };
    }),
    series: [
      lines('trials', others, { color: theme.faint, width: 1, opacity: rows.length > 300 ? 0.12 : 0.3 }),
      { ...lines('frontier', frontier, { color: theme.search, width: 2, opacity: 0.9 }), z: 5 },
    ],
  };
}

/** Shortens a choice, which may be a whole cell. */
const shortened = (choice: string): string => (choice.length > 14 ? `${choice.slice(0, 13)}…` : choice);

const numberText = (data: unknown): string => {
  const key = itemOf(data, 'key') as CandidateKey | undefined;
  return key === undefined ? '' : `#${key.number} in ${key.precision}`;
};
