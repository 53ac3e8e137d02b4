import type { CandidateKey } from '../../reports/page/api.js';
import { textOf, titleOf } from '../data/measures.js';
import { extentOf, spansDecades, type Measures } from './axis.js';
import { frameOf, itemOf, saying } from './frame.js';
import { font, type ChartTheme } from './theme.js';
import type { ChartOption } from './echarts.js';
import { thinned } from './points.js';

/** A selected part of an axis: of values, or of indices of choices. */
export type Brushed = readonly [low: number, high: number];

export type ParallelAxis = { readonly name: string; readonly brushed?: readonly Brushed[] } & (
  | { readonly kind: 'decision'; readonly choices: readonly string[] }
  | { readonly kind: 'measure' }
);

/** A candidate as a line, with its value on each axis. Choices are texts. */
export interface ParallelRow {
  readonly key: CandidateKey;
  readonly values: readonly (number | string | null)[];
  readonly onFrontier: boolean;
}

interface ParallelInput {
  readonly axes: readonly ParallelAxis[];
  readonly rows: readonly ParallelRow[];
  readonly measures: Measures;
  readonly theme: ChartTheme;
}

/** The most lines; of more, evenly spread ones are drawn, and the whole frontier. */
export const mostLines = 2000;

/** The width that this number of axes needs, px. */
export const parallelWidth = (axes: number): number => 140 + 90 * axes;

/** The indices of the choices that a brush covers, or the nearest one. */
export function choicesWithin([low, high]: Brushed, choices: number): readonly number[] {
  const within = (index: number): number => Math.min(choices - 1, Math.max(0, index));
  const [first, last] = [Math.ceil(low), Math.floor(high)];
  if (first > last) return [within(Math.round((low + high) / 2))];
  return Array.from({ length: within(last) - within(first) + 1 }, (_, i) => within(first) + i);
}

/** The parts of an axis that cover these choices, one for each run of neighbours. */
export function brushesAround(indices: readonly number[]): readonly Brushed[] {
  const runs: [number, number][] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last !== undefined && index === Math.round(last[1] - 0.4) + 1) last[1] = index + 0.4;
    else runs.push([index - 0.4, index + 0.4]);
  }
  return runs;
}

/** A number between the ends of an axis, with the digits that tell its values apart. */
export const roundedOn = (value: number, [low, high]: Brushed): number =>
  Number(value.toPrecision(Math.min(15, 3 + Math.max(0, Math.ceil(Math.log10(Math.abs(high) / (high - low)))))));

/** The most labelled choices of an axis. */
const mostLabels = 24;

/** Parallel coordinates with the frontier on top. Dragging along an axis selects lines. */
export function parallelOption({ axes, rows, measures, theme }: ParallelInput): ChartOption {
  const frame = frameOf(theme, {}, { rows: 0 });
  const frontier = rows.filter(({ onFrontier }) => onFrontier);
  const others = thinned(
    rows.filter(({ onFrontier }) => !onFrontier),
    mostLines,
    () => false,
  );
  const valuesOf = (i: number): number[] =>
    rows.flatMap(({ values }) => (typeof values[i] === 'number' ? [values[i]] : []));
  /** Where the values of an axis lie: choices have a whole number each. */
  const places = axes.map((axis): ((value: number | string | null) => number | '-') => {
    if (axis.kind === 'measure') return (value) => (typeof value === 'number' ? value : '-');
    const indices = new Map<unknown, number>(axis.choices.map((choice, i) => [choice, i]));
    return (value) => indices.get(value) ?? '-';
  });
  const lines = (name: string, own: readonly ParallelRow[], style: { color: string; width: number; opacity: number }) =>
    ({
      type: 'parallel',
      name,
      smooth: false,
      lineStyle: style,
      inactiveOpacity: 0.02,
      activeOpacity: style.opacity,
      progressive: 500,
      data: own.map((row) => ({ value: row.values.map((value, i) => places[i](value)), key: row.key, row })),
    }) as const;
  return {
    animation: false,
    backgroundColor: frame.backgroundColor,
    tooltip: {
      ...frame.tooltip,
      formatter: saying(({ data }) => {
        const row = itemOf(data, 'row') as ParallelRow | undefined;
        if (row === undefined) return '';
        const texts = axes.map(({ kind, name }, i) => {
          const own = row.values[i];
          const text = kind === 'measure' && typeof own === 'number' ? textOf(measures, name, own) : String(own ?? '-');
          return `${titleOf(measures, name)}: ${text}`;
        });
        return [`#${row.key.number} in ${row.key.precision}`, ...texts].join('\n');
      }),
    },
    parallel: {
      left: 60,
      right: 70,
      top: 74,
      bottom: 24,
      parallelAxisDefault: {
        // A drag selects when it ends: drawing anew would end it.
        realtime: false,
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
      const extent = axis.kind === 'measure' ? extentOf(valuesOf(dim)) : null;
      // A selection beyond all values stays outside of them.
      const intervals = (axis.brushed ?? []).map(([low, high]): Brushed => {
        const [least, greatest] = extent ?? [low, high];
        const outside = low > greatest ? low : high;
        return low > greatest || high < least ? [outside, outside] : [Math.max(low, least), Math.min(high, greatest)];
      });
      const common = { id: String(dim), dim, z: 6, name: titleOf(measures, axis.name), nameLocation: 'end', intervals };
      if (axis.kind === 'decision') {
        const { choices } = axis;
        const step = Math.ceil(choices.length / mostLabels);
        const customValues = choices.flatMap((_, i) => (i % step === 0 ? [i] : []));
        const formatter = (index: number): string => shortened(choices.at(index) ?? '');
        const ends = { min: -0.5, max: choices.length - 0.5 };
        return {
          ...common,
          type: 'value',
          ...ends,
          axisLabel: { formatter, customValues },
          axisTick: { customValues },
        };
      }
      const log = spansDecades(extent);
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
