import { duration, percent } from '../../base/number-text.js';
import type { CurvePoint, HypervolumePoint, ReportMember } from '../../experiments/page/api.js';
import { plainAxis, shareTick } from './axis.js';
import { frameOf, type Heading, legendStyle, numbersOf, saying, topOf } from './frame.js';
import { dashOf, hueOf, type ChartTheme } from './theme.js';
import type { ChartOption, ChartSeries } from './echarts.js';

export interface Curve {
  /** In the legend: `#12`. */
  readonly label: string;
  readonly points: readonly CurvePoint[];
  /** What is opened when a point of it is clicked. */
  readonly key?: unknown;
}

/** One of several pictures that stand side by side. */
export interface CurvePanel {
  /** Of its horizontal axis. */
  readonly title: string;
  readonly curves: readonly Curve[];
}

interface CurvesInput extends Heading {
  readonly panels: readonly CurvePanel[];
  readonly theme: ChartTheme;
}

const gap = 3;

/** Where the i-th of some pictures stands, in percent of the width. */
function placeOf(i: number, panels: number) {
  const width = (100 - gap * (panels + 1)) / panels;
  return { left: `${gap + i * (width + gap)}%`, width: `${width}%` };
}

/** Validation accuracy over epochs; a network has its colour and dashes in every panel. */
export function curvesOption({ panels, theme, ...heading }: CurvesInput): ChartOption {
  const labels = [...new Set(panels.flatMap(({ curves }) => curves.map(({ label }) => label)))];
  const frame = frameOf(theme, heading, { rows: Math.min(4, Math.ceil(labels.length / 10)) });
  const series = panels.flatMap(({ curves }, panel) =>
    curves.map(({ label, points, key }): ChartSeries => {
      const i = labels.indexOf(label);
      const many = points.length > 60;
      return {
        type: 'line',
        name: label,
        xAxisIndex: panel,
        yAxisIndex: panel,
        symbol: 'circle',
        symbolSize: 5,
        showSymbol: !many,
        showAllSymbol: true,
        itemStyle: { color: hueOf(theme, i) },
        lineStyle: { color: hueOf(theme, i), width: 1.6, type: dashOf(theme, i) },
        data: points.map(({ epoch, validationAccuracy }) => ({ value: [epoch + 1, validationAccuracy], key })),
      };
    }),
  );
  return {
    ...frame,
    grid: panels.map((_, i) => ({ ...frame.grid, ...placeOf(i, panels.length), top: topOf(heading) + 6 })),
    xAxis: panels.map(({ title }, gridIndex) => ({ ...plainAxis(theme, title, String), gridIndex, minInterval: 1 })),
    yAxis: panels.map((_, gridIndex) => ({
      ...plainAxis(theme, 'validation accuracy', shareTick),
      nameGap: 48,
      gridIndex,
    })),
    legend: { ...legendStyle(theme), data: labels },
    tooltip: {
      ...frame.tooltip,
      formatter: saying((at) => {
        const [epoch, accuracy] = numbersOf(at);
        return `${at.seriesName ?? ''}\nepoch ${epoch}: ${percent(accuracy)}`;
      }),
    },
    series,
  };
}

/** The learning curves of a frontier's networks: the search's and the final training's side by side. */
export function memberPanels(members: readonly ReportMember[]): readonly CurvePanel[] {
  // A network on the frontier in two precisions was trained once.
  const once = [...new Map(members.map((member) => [member.number, member])).values()];
  const ordered = once.sort((a, b) => a.number - b.number);
  const stages = [
    { stage: 'search', title: 'epoch of the search' },
    { stage: 'final', title: 'epoch of the final training' },
  ] as const;
  return stages
    .map(({ stage, title }) => ({
      title,
      curves: ordered
        .map(({ number, curves }) => ({ label: `#${number}`, points: curves[stage] }))
        .filter(({ points }) => points.length > 0),
    }))
    .filter(({ curves }) => curves.length > 0);
}

interface HypervolumeInput extends Heading {
  /** One line a run. */
  readonly runs: readonly { readonly name: string; readonly points: readonly HypervolumePoint[] }[];
  /** What it is drawn over: trials that ended, or what they took. */
  readonly over: 'trials' | 'seconds';
  readonly theme: ChartTheme;
}

const secondsIn = { s: 1, min: 60, h: 3600 } as const;

/** The unit in which so many seconds are read. */
const unitOf = (seconds: number): keyof typeof secondsIn => {
  if (seconds < 180) return 's';
  return seconds < 7200 ? 'min' : 'h';
};

/** How much of the space between the worst and the best values the frontier dominates, as it grew. */
export function hypervolumeOption({ runs, over, theme, ...heading }: HypervolumeInput): ChartOption {
  const most = Math.max(0, ...runs.flatMap(({ points }) => points.map(({ seconds }) => seconds)));
  const unit = unitOf(most);
  const at = (point: HypervolumePoint): number => (over === 'trials' ? point.trials : point.seconds / secondsIn[unit]);
  const several = runs.length > 1;
  const frame = frameOf(theme, heading, { rows: several ? 1 : 0 });
  const title = over === 'trials' ? 'trials that ended' : `compute [${unit}]`;
  return {
    ...frame,
    xAxis: { ...plainAxis(theme, title), min: 0 },
    yAxis: { ...plainAxis(theme, 'hypervolume', shareTick), nameGap: 48 },
    legend: { ...legendStyle(theme), show: several },
    tooltip: {
      ...frame.tooltip,
      formatter: saying((pointed) => {
        const [x, share] = numbersOf(pointed);
        const where = over === 'trials' ? `${x} trials` : duration(x * secondsIn[unit]);
        return `${several ? `${pointed.seriesName ?? ''}\n` : ''}${where}: ${percent(share)}`;
      }),
    },
    series: runs.map(({ name, points }, i) => ({
      type: 'line',
      name,
      // A frontier stays as it is until a trial improves it.
      step: 'end',
      symbol: 'circle',
      symbolSize: 5,
      showSymbol: points.length <= 60,
      showAllSymbol: true,
      itemStyle: { color: hueOf(theme, i) },
      lineStyle: { color: hueOf(theme, i), width: 1.8, type: dashOf(theme, i) },
      data: points.map((point) => [at(point), point.share]),
    })),
  };
}
