import { precisions as allPrecisions, textOf, titleOf } from '../data/measures.js';
import {
  frameOf,
  itemOf,
  hollow,
  explained,
  legendStyle,
  markLines,
  plainText,
  saying,
  wrapped,
  type Pointed,
} from './frame.js';
import {
  drawnSeries,
  type FrontierInput,
  type FrontierPoint,
  type FrontierSeries,
  markOf,
  namedSeries,
  nameOf,
} from './frontier-series.js';
import type { ChartOption, ChartSeries, ScatterSeries } from './echarts.js';
import { font } from './theme.js';
import type { Interval, StoredPrecision } from '../../reports/page/api.js';
import { extentOf, spansDecades, valueAxis } from './axis.js';
import { skyline, turnOf } from './points.js';

type Hovered = Omit<FrontierPoint, 'series'>;

function hoverText(input: FrontierInput, { key, x, y, predicted, from, ...rest }: Hovered): string {
  const { intervals = {}, unreliable, place } = rest;
  const { plane, measures, precisions } = input;
  const lines = [`#${key.number}${precisions && key.precision !== null ? ` in ${key.precision}` : ''}`];
  const said = (name: string, value: number, interval: Interval | undefined, note = ''): void => {
    const [own, low, high] = [value, ...(interval ?? [])].map((each) => textOf(measures, name, each));
    lines.push(
      `${titleOf(measures, name)}: ${own}${note}${interval === undefined ? '' : ` (95 %: ${low} to ${high})`}`,
    );
  };
  said(plane.y, y, intervals.y);
  if (from !== undefined) lines.push(`in the search: ${textOf(measures, plane.y, from)}`);
  if (plane.x !== null) said(plane.x, x, intervals.x, predicted ? ' (predicted)' : '');
  if (unreliable !== undefined) lines.push(...wrapped(`not reliable: ${unreliable}`, 48));
  if (place !== undefined) lines.push(`place on the frontier: ${place}`);
  return lines.join('\n');
}

function frontierHover(input: FrontierInput, series: readonly ChartSeries[]): (at: Pointed) => string {
  return (at) => {
    const { data, seriesId, dataIndex } = at;
    const point = itemOf(data, 'point') as FrontierPoint | undefined;
    if (point !== undefined) {
      const { label } = point;
      const text = hoverText(input, point);
      return label === undefined || text.startsWith(label) ? text : `${label}\n${text}`;
    }
    const keyAt = series.find(({ id }) => id === seriesId)?.keyAt;
    const cloud = input.clouds?.find((each) => each.keyAt === keyAt);
    if (cloud === undefined) return '';
    const [x, y] = cloud.xy.subarray(2 * dataIndex, 2 * dataIndex + 2);
    const unreliable = cloud.unreliableAt?.(dataIndex);
    const own = { key: cloud.keyAt(dataIndex), x, y, predicted: cloud.predicted };
    return hoverText(input, unreliable === undefined ? own : { ...own, unreliable });
  };
}

/** Constraints on the axes: a line at each bound, and a shade beyond it. */
function boundsOf({ objectives, plane, measures, theme }: FrontierInput): ChartSeries[] {
  const axes = { xAxis: plane.x, yAxis: plane.y };
  const bounds = Object.entries(axes).flatMap(([axis, name]) => {
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
        ...markLines,
        lineStyle: { color: theme.bound, width: 1.2, type: [6, 4] },
        label: { color: theme.bound, fontFamily: font, fontSize: 11, position: 'insideEndTop' },
        data: bounds.map(({ axis, at, text }) => ({ [axis]: at, label: { formatter: text } })),
      },
      markArea: {
        silent: true,
        animation: false,
        itemStyle: { color: theme.bound, opacity: 0.06 },
        data: bounds.map(({ axis, side, at }) =>
          side === 'max' ? [{ [axis]: at }, { [axis]: Infinity }] : [{ [axis]: -Infinity }, { [axis]: at }],
        ),
      },
    },
  ];
}

const precisionsOf = ({ precisions }: FrontierInput): readonly (StoredPrecision | null)[] =>
  precisions ? [null, ...allPrecisions] : [null];

/** In a run with fp32 only, marks have no precision. */
const shownPrecision = ({ precisions }: FrontierInput, precision: StoredPrecision | null): StoredPrecision | null =>
  precisions ? precision : null;

const predictedName = (input: FrontierInput): string =>
  areDots(input) ? 'hollow or lighter: latency predicted' : 'hollow: latency predicted';

const unreliableName = 'dashed: latency not reliable';

/** The marks of `points`. */
function pointSeries(input: FrontierInput, series: FrontierSeries, precision: StoredPrecision | null): ScatterSeries[] {
  const { theme } = input;
  const own = input.points.filter(
    (point) => point.series === series && shownPrecision(input, point.key.precision) === precision,
  );
  if (own.length === 0) return [];
  const mark = markOf(series, theme, precision);
  const ring = series === 'enqueued';
  const dominates = series === 'frontier' || series === 'final';
  const filled = { color: mark.color, opacity: mark.opacity, borderColor: theme.card, borderWidth: dominates ? 1 : 0 };
  const outline = { ...hollow(theme, mark.color, false), ...(ring && { color: 'transparent' }) };
  return [
    {
      type: 'scatter',
      id: `${series} ${precision ?? ''}`,
      name: nameOf(input, series, precision),
      symbol: mark.symbol,
      symbolRotate: mark.rotate,
      symbolSize: mark.size,
      itemStyle: ring ? outline : filled,
      emphasis: { scale: 1.4, label: { show: true } },
      ...(!ring && { aside: asideOf(input) }),
      ...(series === 'frontier' ? { walked: true } : {}),
      z: 2 + drawnSeries.indexOf(series),
      label: {
        show: input.sparseLabels !== true || own.length <= mostLabels,
        position: ring ? 'bottom' : 'top',
        distance: ring ? 4 : 6,
        color: ring ? mark.color : theme.ink,
        fontFamily: font,
        fontSize: 11,
        formatter: ({ data }) => labelOf(data),
      },
      data: own.map((point) => ({
        value: [point.x, point.y],
        key: point.key,
        text: point.label ?? '',
        point,
        ...((point.predicted || point.unreliable !== undefined) && isMark(point)
          ? {
              itemStyle: {
                ...hollow(theme, mark.color, point.unreliable !== undefined),
                opacity: point.unreliable === undefined ? mark.opacity : 1,
                // Faint dashes could not be seen.
                ...(point.unreliable !== undefined &&
                  isBackground(series) && { borderColor: theme.soft, borderWidth: 1.2 }),
              },
            }
          : {}),
      })),
    },
  ];
}

const directionOf = ({ objectives }: FrontierInput, name: string | null) =>
  objectives.find((objective) => objective.name === name)?.direction;

/** Labels lie best on the side of the staircase without trials. */
const asideOf = (input: FrontierInput) =>
  [
    directionOf(input, input.plane.x) === 'minimize' ? -1 : 1,
    directionOf(input, input.plane.y) === 'minimize' ? 1 : -1,
  ] as const;

/** With more marks, labels would overlap: only the mark under the pointer has one. */
const mostLabels = 30;

const labelOf = (data: unknown): string => plainText((itemOf(data, 'text') as string | undefined) ?? '');

/** The marks of `clouds`. Above `manyPoints` they are dots, which are drawn much faster. */
const cloudSeries = (input: FrontierInput, series: FrontierSeries, precision: StoredPrecision | null): ChartSeries[] =>
  (input.clouds ?? [])
    .filter((cloud) => cloud.series === series && shownPrecision(input, cloud.precision) === precision)
    // The legend shows the first of a name.
    .toSorted((a, b) => Number(a.predicted || a.unreliable === true) - Number(b.predicted || b.unreliable === true))
    .map(({ xy, keyAt, predicted, unreliable = false }) => {
      const { symbol, size, color, opacity } = markOf(series, input.theme, precision);
      const dots = areDots(input);
      return {
        type: 'scatter',
        id: `cloud ${series} ${precision ?? ''} ${predicted} ${unreliable}`,
        name: nameOf(input, series, precision),
        symbol: dots ? 'rect' : symbol,
        symbolSize: dots ? dotSize : size,
        itemStyle:
          (predicted || unreliable) && !dots
            ? {
                color: 'transparent',
                borderColor: unreliable ? input.theme.soft : color,
                borderWidth: unreliable ? 1.4 : 1,
                opacity: unreliable ? 0.9 : opacity,
                ...(unreliable && { borderType: [2, 2] }),
              }
            : { color: predicted ? input.theme.fainter : color, opacity },
        large: true,
        largeThreshold: 500,
        progressive: 0,
        dimensions: ['x', 'y'],
        data: xy,
        keyAt,
        z: 2,
      };
    });

const manyPoints = 3000;
/** px; below 4, ECharts fills rectangles without creating paths. */
const dotSize = 3.5;

const areDots = ({ clouds = [] }: FrontierInput): boolean =>
  clouds.reduce((sum, { xy }) => sum + xy.length / 2, 0) > manyPoints;

/** Joins short lines into one with gaps. */
const segments = (parts: readonly (readonly [number, number])[][]) =>
  parts.flatMap((points) => [...points.map((point) => [...point]), ['-', '-']]);

/** The frontier as a staircase, intervals as bars, and dotted lines from search accuracies to final ones. */
function lineSeries(input: FrontierInput): ChartSeries[] {
  const { points, plane, theme } = input;
  const members = points.filter(({ series }) => series === 'frontier');
  const [x, y] = [directionOf(input, plane.x), directionOf(input, plane.y) ?? 'maximize'];
  const all = input.members ?? members;
  const stairs = x === undefined ? all.toSorted((a, b) => a.x - b.x) : skyline(all, x, y);
  const across = members.flatMap(({ intervals, y: at }) =>
    intervals?.x === undefined ? [] : [intervals.x.map((end) => [end, at] as const)],
  );
  const upright = points.flatMap(({ series, intervals, x: at }) =>
    (series !== 'frontier' && series !== 'final') || intervals?.y === undefined
      ? []
      : [intervals.y.map((end) => [at, end] as const)],
  );
  const finals = points.flatMap(({ series, x: at, y: to, from }) =>
    series === 'final' && from !== undefined ? [[[at, from] as const, [at, to] as const]] : [],
  );
  const common = { type: 'line', silent: true, animation: false } as const;
  const bars = (id: string, symbolSize: number[], parts: readonly (readonly [number, number])[][]): ChartSeries => ({
    ...common,
    id,
    symbol: 'rect',
    symbolSize,
    showAllSymbol: true,
    itemStyle: { color: theme.soft },
    lineStyle: { color: theme.soft, width: 1.2 },
    z: 3,
    data: segments(parts),
  });
  const lines: ChartSeries[] = [
    {
      ...common,
      id: 'staircase',
      step: turnOf(x),
      showSymbol: false,
      lineStyle: { color: theme.search, width: 1.6 },
      z: 3,
      data: stairs.map((member) => [member.x, member.y]),
    },
    bars('intervals', [1.2, 9], across),
    bars('intervals-y', [9, 1.2], upright),
    {
      ...common,
      id: 'gains',
      showSymbol: false,
      lineStyle: { color: theme.final, width: 1, type: [2, 3], opacity: 0.8 },
      z: 3,
      data: segments(finals),
    },
  ];
  return lines.filter((_, i) => [stairs, across, upright, finals][i].length > 0);
}

/** The extent along an axis; 0 is the horizontal one. */
function extentAlong({ points, clouds = [], members = [] }: FrontierInput, axis: 0 | 1) {
  const own = points.flatMap(({ x, y, intervals }) =>
    axis === 0 ? [x, ...(intervals?.x ?? [])] : [y, ...(intervals?.y ?? [])],
  );
  own.push(...members.map(({ x, y }) => (axis === 0 ? x : y)));
  let [least, most] = extentOf(own) ?? [Infinity, -Infinity];
  for (const { xy } of clouds)
    for (let i = axis; i < xy.length; i += 2) {
      if (xy[i] < least) least = xy[i];
      if (xy[i] > most) most = xy[i];
    }
  return least > most ? null : ([least, most] as const);
}

function legendOf(input: FrontierInput, series: readonly ChartSeries[]) {
  const present = new Set(series.map(({ name }) => name));
  const order = namedSeries.flatMap((each) => precisionsOf(input).map((precision) => nameOf(input, each, precision)));
  const names = [...new Set(input.precisions ? order : drawnSeries.map((each) => nameOf(input, each, null)))];
  const data = [...names, predictedName(input), unreliableName].filter((name) => present.has(name));
  return { ...legendStyle(input.theme), data };
}

/** Empty series that explain hollow and dashed marks in the legend. */
const hollowSeries = (input: FrontierInput): ChartSeries[] => {
  const { points, clouds = [], theme } = input;
  const marks = [...clouds, ...points.filter(isMark)];
  return [
    ...(marks.some(({ predicted }) => predicted) ? [explained(theme, predictedName(input), false)] : []),
    ...(marks.some(({ unreliable = false }) => unreliable !== false) ? [explained(theme, unreliableName, true)] : []),
  ];
};

const isBackground = (series: FrontierSeries): boolean => series === 'trial' || series === 'stopped';

/** Whether hollow means predicted: squares of baselines are always hollow, as they surround other marks. */
const isMark = ({ series }: FrontierPoint): boolean => series !== 'enqueued';

/**
 * The chart of a frontier, in reports and on pages: faint trials, the frontier as a staircase, final accuracies as diamonds,
 * intervals as bars, squares around baselines, hollow marks for predicted latencies, dashed ones for latencies that are not
 * reliable, and constraints as shaded bounds.
 * Networks in int8 are triangles.
 */
export function frontierOption(input: FrontierInput): ChartOption {
  const { plane, measures, theme, log, yTitle } = input;
  const [horizontal, vertical] = [extentAlong(input, 0), extentAlong(input, 1)];
  const series = [
    ...drawnSeries.flatMap((each) =>
      precisionsOf(input).flatMap((precision) => [
        ...cloudSeries(input, each, precision),
        ...pointSeries(input, each, precision),
      ]),
    ),
    ...lineSeries(input),
    ...hollowSeries(input),
    ...boundsOf(input),
  ];
  const xLog = plane.x !== null && (log?.x ?? spansDecades(horizontal)) && (horizontal?.[0] ?? 0) > 0;
  const yLog = (log?.y ?? false) && (vertical?.[0] ?? 0) > 0;
  const legend = legendOf(input, series);
  return {
    ...frameOf(theme, Math.ceil(legend.data.length / 4), input),
    xAxis: valueAxis({ measure: plane.x, measures, theme, extent: horizontal, log: xLog }),
    yAxis: {
      ...valueAxis({ measure: plane.y, measures, theme, extent: vertical, log: yLog, title: yTitle }),
      nameGap: 50,
    },
    legend,
    tooltip: saying(theme, frontierHover(input, series)),
    series,
  };
}
