import { clockTime, duration } from '../../base/number-text.js';
import type { TimelineAnswer, TimelineOutcome, TimelineSpan } from '../../reports/page/api.js';
import { trainingText } from '../data/curves.js';
import { axisStyle, plainAxis } from './axis.js';
import type { ChartOption, ChartSeries } from './echarts.js';
import { frameOf, itemOf, legendStyle, saying } from './frame.js';
import { font, type ChartTheme } from './theme.js';

type Lane = TimelineAnswer['lanes'][number];

export const laneName = ({ host, slot }: Pick<Lane, 'host' | 'slot'>): string => `${host ?? 'this machine'} ${slot}`;

interface LaneTimes {
  readonly name: string;
  readonly trainings: number;
  readonly busy: number;
  /** Between its first and its last training, without the time in which the run stood still. */
  readonly idle: number;
}

/** Busy and idle seconds of each slot. @param now seconds after the run's start */
export function laneTimes(
  { lanes, stops }: Pick<TimelineAnswer, 'lanes' | 'stops'>,
  now: number,
): readonly LaneTimes[] {
  return lanes.map((lane) => {
    const { spans } = lane;
    const endOf = ({ to }: TimelineSpan): number => to ?? now;
    const busy = spans.reduce((sum, span) => sum + endOf(span) - span.from, 0);
    const [first, last] = [spans[0].from, Math.max(...spans.map(endOf))];
    const stopped = stops.reduce(
      (sum, { from, to }) => sum + Math.max(0, Math.min(to, last) - Math.max(from, first)),
      0,
    );
    return {
      name: laneName(lane),
      trainings: spans.length,
      busy,
      idle: Math.max(0, last - first - busy - stopped),
    };
  });
}

/** What a span shows; each kind has its own fill and border, too. */
const kinds = ['search', 'other training', 'stopped early', 'failed or interrupted'] as const;
type Kind = (typeof kinds)[number];

const kindOfOutcome: { readonly [O in TimelineOutcome]: Kind | null } = {
  complete: null,
  running: null,
  paused: null,
  pruned: 'stopped early',
  failed: 'failed or interrupted',
  retried: 'failed or interrupted',
  interrupted: 'failed or interrupted',
};

const kindOf = ({ training, outcome }: TimelineSpan): Kind =>
  kindOfOutcome[outcome] ?? (training.stage === 'search' ? 'search' : 'other training');

const styleOf = (kind: Kind, theme: ChartTheme) =>
  ({
    search: { fill: theme.search, stroke: theme.card, lineWidth: 0.5 },
    'other training': { fill: theme.card, stroke: theme.final, lineWidth: 2 },
    'stopped early': { fill: theme.fainter, stroke: theme.faint, lineWidth: 1 },
    'failed or interrupted': { fill: theme.card, stroke: theme.bound, lineWidth: 1.5, lineDash: [3, 2] },
  })[kind];

/** Spans of trainings over the time of the run, one row for each slot of a machine. */
export function timelineOption(
  { lanes, stops }: Pick<TimelineAnswer, 'lanes' | 'stops'>,
  now: number,
  theme: ChartTheme,
): ChartOption {
  const spans = lanes.flatMap((lane, row) => lane.spans.map((span) => ({ span, lane, row })));
  const end = Math.max(0, ...spans.map(({ span }) => span.to ?? now));
  const start = Math.min(end, ...spans.map(({ span }) => span.from));
  const frame = frameOf(theme, {}, { rows: 1 });
  const shown = kinds.filter((kind) => spans.some(({ span }) => kindOf(span) === kind));
  return {
    ...frame,
    xAxis: {
      ...plainAxis(theme, 'time of the run [h:min:s]', clockTime),
      min: start,
      max: end > start ? end : start + 1,
    },
    yAxis: {
      ...axisStyle(theme),
      type: 'category',
      inverse: true,
      data: lanes.map(laneName),
      splitLine: { show: false },
      axisLabel: { color: theme.soft, fontFamily: font, fontSize: 12, width: 110, overflow: 'truncate' },
    },
    legend: { ...legendStyle(theme), data: [...shown] },
    tooltip: {
      ...frame.tooltip,
      formatter: saying(({ data }) => {
        const span = itemOf(data, 'span') as TimelineSpan | undefined;
        if (span === undefined) return '';
        const { training, from, to, outcome } = span;
        return [
          trainingText(training),
          `${outcome}, ${duration((to ?? now) - from)}`,
          `from ${duration(from)} into the run`,
        ].join('\n');
      }),
    },
    series: shown.map((kind, i): ChartSeries => {
      const style = styleOf(kind, theme);
      const own = spans.filter(({ span }) => kindOf(span) === kind);
      return {
        type: 'custom',
        name: kind,
        clip: true,
        itemStyle: { color: style.fill, borderColor: style.stroke, borderWidth: style.lineWidth },
        dimensions: ['from', 'to', 'lane'],
        encode: { x: ['from', 'to'], y: 'lane' },
        ...(i === 0 && {
          markArea: {
            silent: true,
            itemStyle: { color: theme.line, opacity: 0.7 },
            data: stops.map(({ from, to }): [{ xAxis: number }, { xAxis: number }] => [{ xAxis: from }, { xAxis: to }]),
          },
        }),
        data: own.map(({ span, row }) => ({
          value: [span.from, span.to ?? now, row],
          span,
          key: span.training.trial === undefined ? undefined : { number: span.training.trial, precision: 'fp32' },
        })),
        renderItem: (_, api) => {
          const [left, y] = api.coord([api.value(0), api.value(2)]);
          const [right] = api.coord([api.value(1), api.value(2)]);
          const band = (api.size?.([0, 1]) as [number, number] | undefined)?.[1] ?? 0;
          const height = Math.min(26, 0.7 * band);
          const width = Math.max(1.5, right - left);
          return {
            type: 'rect',
            shape: { x: left, y: y - height / 2, width, height },
            style,
          };
        },
      };
    }),
  };
}
