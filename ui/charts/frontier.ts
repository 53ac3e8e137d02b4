import type { StoredPrecision } from '../../experiments/page/api.js';
import { precisions as allPrecisions } from '../data/precisions.js';
import { extentOf, spansDecades, valueAxis } from './axis.js';
import { boundsOf } from './bounds.js';
import { frameOf, legendLook, plainText } from './frame.js';
import { frontierHover } from './frontier-hover.js';
import { drawnSeries, markOf, namedSeries, nameOf } from './frontier-marks.js';
import type { FrontierInput, FrontierPoint, FrontierSeries } from './frontier-points.js';
import { font } from './look.js';
import type { ChartOption, ChartSeries, ScatterSeries } from './option.js';
import { skyline, turnOf } from './staircase.js';

const precisionsOf = ({ precisions }: FrontierInput): readonly (StoredPrecision | null)[] =>
  precisions ? [null, ...allPrecisions] : [null];

/** In runs that know fp32 only, marks say nothing of it. */
const shownPrecision = ({ precisions }: FrontierInput, precision: StoredPrecision | null): StoredPrecision | null =>
  precisions ? precision : null;

/** How marks with a predicted latency are told from the others. */
const predictedName = (input: FrontierInput): string =>
  areDots(input) ? 'hollow or lighter: latency predicted' : 'hollow: latency predicted';

/** Marks that no other series draws: their points are told one by one. */
function pointSeries(input: FrontierInput, series: FrontierSeries, precision: StoredPrecision | null): ScatterSeries[] {
  const { look } = input;
  const own = input.points.filter(
    (point) => point.series === series && shownPrecision(input, point.key.precision) === precision,
  );
  if (own.length === 0) return [];
  const mark = markOf(series, look, precision);
  const ring = series === 'enqueued';
  const dominates = series === 'frontier' || series === 'final';
  const filled = { color: mark.color, opacity: mark.opacity, borderColor: look.card, borderWidth: dominates ? 1 : 0 };
  const hollow = { color: ring ? 'transparent' : look.card, borderColor: mark.color, borderWidth: 1.6 };
  return [
    {
      type: 'scatter',
      id: `${series} ${precision ?? ''}`,
      name: nameOf(input, series, precision),
      symbol: mark.symbol,
      symbolRotate: mark.rotate,
      symbolSize: mark.size,
      itemStyle: ring ? hollow : filled,
      emphasis: { scale: 1.4, label: { show: true } },
      ...(series === 'frontier' ? { walked: true } : {}),
      z: 2 + drawnSeries.indexOf(series),
      label: {
        show: input.sparseLabels !== true || own.length <= mostLabels,
        position: ring ? 'bottom' : 'top',
        distance: ring ? 4 : 6,
        color: ring ? mark.color : look.ink,
        fontFamily: font,
        fontSize: 11,
        formatter: ({ data }) => labelOf(data),
      },
      data: own.map((point) => ({
        value: [point.x, point.y],
        key: point.key,
        text: point.label ?? '',
        point,
        ...(point.predicted && isMark(point) ? { itemStyle: { ...hollow, opacity: mark.opacity } } : {}),
      })),
    },
  ];
}

/** Of more marks, labels would lie on each other: only the one that is pointed at has its own. */
const mostLabels = 30;

const labelOf = (data: unknown): string =>
  typeof data === 'object' && data !== null && 'text' in data ? plainText(String(data.text)) : '';

/** The greater part of the trials, as columns; of very many, a mark is a dot, which is filled much faster. */
const cloudSeries = (input: FrontierInput, series: FrontierSeries, precision: StoredPrecision | null): ChartSeries[] =>
  (input.clouds ?? [])
    .filter((cloud) => cloud.series === series && shownPrecision(input, cloud.precision) === precision)
    .map(({ xy, keyAt, predicted }) => {
      const { symbol, size, color, opacity } = markOf(series, input.look, precision);
      const dots = areDots(input);
      return {
        type: 'scatter',
        id: `cloud ${series} ${precision ?? ''} ${predicted}`,
        name: nameOf(input, series, precision),
        symbol: dots ? 'rect' : symbol,
        symbolSize: dots ? dotSize : size,
        itemStyle:
          predicted && !dots
            ? { color: 'transparent', borderColor: color, borderWidth: 1, opacity }
            : { color: predicted ? input.look.fainter : color, opacity },
        large: true,
        largeThreshold: 500,
        progressive: 0,
        dimensions: ['x', 'y'],
        data: xy,
        keyAt,
        z: 2,
      };
    });

/** Of so many points on, ECharts is given dots. */
const manyPoints = 3000;
/** px; below 4, ECharts fills rectangles, which no path is made for. */
const dotSize = 3.5;

const areDots = ({ clouds = [] }: FrontierInput): boolean =>
  clouds.reduce((sum, { xy }) => sum + xy.length / 2, 0) > manyPoints;

/** Many short lines as one, with gaps. */
const segments = (parts: readonly (readonly [number, number])[][]) =>
  parts.flatMap((points) => [...points.map((point) => [...point]), ['-', '-']]);

/** The frontier as a staircase, intervals as bars, and from each network's search value to its final accuracy a dotted line. */
function lineSeries(input: FrontierInput): ChartSeries[] {
  const { points, plane, objectives, look } = input;
  const directionOf = (name: string | null) => objectives.find((objective) => objective.name === name)?.direction;
  const members = points.filter(({ series }) => series === 'frontier');
  const [x, y] = [directionOf(plane.x), directionOf(plane.y) ?? 'maximize'];
  const stairs = x === undefined ? members.toSorted((a, b) => a.x - b.x) : skyline(members, x, y);
  const intervals = members.flatMap(({ low, high, y: at }) =>
    low === undefined || high === undefined ? [] : [[[low, at] as const, [high, at] as const]],
  );
  const finals = points.flatMap(({ series, x: at, y: to, from }) =>
    series === 'final' && from !== undefined ? [[[at, from] as const, [at, to] as const]] : [],
  );
  const common = { type: 'line', silent: true, animation: false } as const;
  const lines: ChartSeries[] = [
    {
      ...common,
      id: 'staircase',
      step: turnOf(x),
      showSymbol: false,
      lineStyle: { color: look.search, width: 1.6 },
      z: 3,
      data: stairs.map((member) => [member.x, member.y]),
    },
    {
      ...common,
      id: 'intervals',
      symbol: 'rect',
      symbolSize: [1.2, 9],
      showAllSymbol: true,
      itemStyle: { color: look.ink },
      lineStyle: { color: look.ink, width: 1.2 },
      z: 3,
      data: segments(intervals),
    },
    {
      ...common,
      id: 'gains',
      showSymbol: false,
      lineStyle: { color: look.final, width: 1, type: [2, 3], opacity: 0.8 },
      z: 3,
      data: segments(finals),
    },
  ];
  const parts = [stairs, intervals, finals];
  return lines.filter((_, i) => parts[i].length > 0);
}

/** What one axis has to show: 0 is the horizontal one. */
function extentAlong({ points, clouds = [] }: FrontierInput, axis: 0 | 1) {
  const own = points.flatMap(({ x, y, low = x, high = x }) => (axis === 0 ? [x, low, high] : [y]));
  let [least, most] = extentOf(own) ?? [Infinity, -Infinity];
  for (const { xy } of clouds)
    for (let i = axis; i < xy.length; i += 2) {
      if (xy[i] < least) least = xy[i];
      if (xy[i] > most) most = xy[i];
    }
  return least > most ? null : ([least, most] as const);
}

/** The names in the legend: of what is there only. */
function legendOf(input: FrontierInput, series: readonly ChartSeries[]) {
  const present = new Set(series.map(({ name }) => name));
  const order = namedSeries.flatMap((each) => precisionsOf(input).map((precision) => nameOf(input, each, precision)));
  const names = [...new Set(input.precisions ? order : drawnSeries.map((each) => nameOf(input, each, null)))];
  const data = [...names, predictedName(input)].filter((name) => present.has(name));
  return { ...legendLook(input.look), data };
}

/** Tells what hollow marks are, where some are. */
const hollowSeries = (input: FrontierInput): ChartSeries[] => {
  const { points, clouds = [], look } = input;
  const some = clouds.some(({ predicted }) => predicted) || points.some((point) => point.predicted && isMark(point));
  const item = { color: look.card, borderColor: look.soft, borderWidth: 1.6 };
  return some
    ? [{ type: 'scatter', id: 'hollow', name: predictedName(input), symbol: 'circle', itemStyle: item, data: [] }]
    : [];
};

/** Squares are hollow for another reason: they stand around other marks. */
const isMark = ({ series }: FrontierPoint): boolean => series !== 'enqueued';

/**
 * The picture of a frontier, the same in reports and on pages: trials faintly, the frontier as a staircase, final
 * accuracies as diamonds, intervals as bars, squares around what was given beforehand, hollow marks where a latency is
 * predicted, and constraints as shaded bounds. Networks in int8 are triangles.
 */
export function frontierOption(input: FrontierInput): ChartOption {
  const { plane, measures, look, log, yTitle } = input;
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
  const frame = frameOf(look, input, { rows: Math.ceil(legend.data.length / 4) });
  return {
    ...frame,
    xAxis: valueAxis({ measure: plane.x, measures, look, extent: horizontal, log: xLog }),
    yAxis: {
      ...valueAxis({
        measure: plane.y,
        measures,
        look,
        extent: vertical,
        log: yLog,
        ...(yTitle === undefined ? {} : { title: yTitle }),
      }),
      nameGap: 50,
    },
    legend,
    tooltip: { ...frame.tooltip, formatter: frontierHover(input, series) },
    series,
  };
}

export * from './frontier-points.js';
