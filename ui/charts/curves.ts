import { duration, percent } from '../../base/number-text.js';
import { mainScores, scoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { CurvePoint, HypervolumePoint, ReportMember } from '../../experiments/page/api.js';
import { plainAxis, shareTick, tickOf } from './axis.js';
import type { ChartOption, ChartSeries } from './echarts.js';
import { frameOf, legendStyle, numbersOf, saying, topOf, type Heading } from './frame.js';
import { dashOf, hueOf, type ChartTheme } from './theme.js';

/** The trainings of a trial, and the title of their horizontal axis. */
export const stages = {
  search: { stage: 'search', title: 'epoch of the search' },
  final: { stage: 'final', title: 'epoch of the final training' },
  quantizeAware: { stage: 'quantize-aware', title: 'epoch of the fine-tuning in 8 bits' },
} as const;

type StageKey = keyof typeof stages;
export const stageKeys = Object.keys(stages) as readonly StageKey[];

export interface Curve {
  /** In the legend: `#12`. */
  readonly label: string;
  readonly points: readonly CurvePoint[];
  /** What a click on a point opens. */
  readonly key?: unknown;
}

export interface CurvePanel {
  readonly title: string;
  readonly curves: readonly Curve[];
}

/** A panel for each stage that has points. */
export const stagePanels = (curvesOf: (key: StageKey) => readonly Curve[]): readonly CurvePanel[] =>
  stageKeys
    .map((key) => ({ title: stages[key].title, curves: curvesOf(key).filter(({ points }) => points.length > 0) }))
    .filter(({ curves }) => curves.length > 0);

/** The learning curves of a frontier's networks, in the search and in the final training. */
export function memberPanels(members: readonly ReportMember[]): readonly CurvePanel[] {
  // A network on the frontier in two precisions was trained once.
  const once = [...new Map(members.map((member) => [member.number, member])).values()];
  const sorted = once.sort((a, b) => a.number - b.number);
  return stagePanels((key) =>
    key === 'quantizeAware' ? [] : sorted.map(({ number, curves }) => ({ label: `#${number}`, points: curves[key] })),
  );
}

export interface CurvesInput extends Heading {
  readonly task: TaskType;
  readonly panels: readonly CurvePanel[];
  readonly theme: ChartTheme;
}

/** The space between panels, in percent of the width. */
const gap = 3;

/** Larger curves have no marks. */
const mostMarks = 60;

const isLow = ({ points }: Curve): boolean => points.some(({ validationAccuracy }) => validationAccuracy < floor);

/** The position of a panel, in percent of the width. */
function positionOf(i: number, panels: number) {
  const width = (100 - gap * (panels + 1)) / panels;
  return { left: `${gap + i * (width + gap)}%`, width: `${width}%` };
}

const lineStyleOf = (theme: ChartTheme, i: number, width: number) => ({
  itemStyle: { color: hueOf(theme, i) },
  lineStyle: { color: hueOf(theme, i), width, type: dashOf(theme, i) },
});

/** The lowest score that is drawn: an R² below it says only that an early epoch was useless, and would flatten the rest. */
const floor = -1;

/** The main score of the validation images over epochs; a network has the same colour and dashes in every panel. */
export function curvesOption({ panels, task, theme, ...heading }: CurvesInput): ChartOption {
  const { title: score, unit } = mainScores[task];
  const labels = [...new Set(panels.flatMap(({ curves }) => curves.map(({ label }) => label)))];
  const frame = frameOf(theme, heading, { rows: Math.min(4, Math.ceil(labels.length / 10)) });
  return {
    ...frame,
    grid: panels.map((_, i) => ({ ...frame.grid, ...positionOf(i, panels.length), top: topOf(heading) + 6 })),
    xAxis: panels.map(({ title }, gridIndex) => ({ ...plainAxis(theme, title, String), gridIndex, minInterval: 1 })),
    yAxis: panels.map((_, gridIndex) => ({
      ...plainAxis(theme, `validation ${score}`, tickOf(unit)),
      ...(panels.some(({ curves }) => curves.some(isLow)) && { min: floor }),
      nameGap: 48,
      gridIndex,
    })),
    legend: { ...legendStyle(theme), data: labels },
    tooltip: {
      ...frame.tooltip,
      formatter: saying((at) => {
        const [epoch, value] = numbersOf(at);
        return `${at.seriesName ?? ''}\nepoch ${epoch}: ${scoreText(task, value)}`;
      }),
    },
    series: panels.flatMap(({ curves }, panel) =>
      curves.map(({ label, points, key }): ChartSeries => ({
        type: 'line',
        name: label,
        xAxisIndex: panel,
        yAxisIndex: panel,
        symbol: 'circle',
        symbolSize: 5,
        showSymbol: points.length <= mostMarks,
        showAllSymbol: true,
        ...lineStyleOf(theme, labels.indexOf(label), 1.6),
        data: points.map(({ epoch, validationAccuracy }) => ({ value: [epoch + 1, validationAccuracy], key })),
      })),
    ),
  };
}

export interface HypervolumeRun {
  readonly name: string;
  readonly points: readonly HypervolumePoint[];
}

export interface HypervolumeInput extends Heading {
  /** One line for each run. */
  readonly runs: readonly HypervolumeRun[];
  /** The horizontal axis: trials that ended, or the time they took. */
  readonly over: 'trials' | 'seconds';
  readonly theme: ChartTheme;
}

const secondsIn = { s: 1, min: 60, h: 3600 } as const;

/** A readable unit for a duration in seconds. */
const unitOf = (seconds: number): keyof typeof secondsIn => {
  if (seconds < 180) return 's';
  return seconds < 7200 ? 'min' : 'h';
};

/** The growth of the share of the space between the worst and the best values that the frontier dominates. */
export function hypervolumeOption({ runs, over, theme, ...heading }: HypervolumeInput): ChartOption {
  const unit = unitOf(Math.max(0, ...runs.flatMap(({ points }) => points.map(({ seconds }) => seconds))));
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
      formatter: saying((at) => {
        const [x, share] = numbersOf(at);
        const where = over === 'trials' ? `${x} trials` : duration(x * secondsIn[unit]);
        return `${several ? `${at.seriesName ?? ''}\n` : ''}${where}: ${percent(share)}`;
      }),
    },
    series: runs.map(({ name, points }, i) => ({
      type: 'line',
      name,
      // A frontier keeps its hypervolume until a trial improves it.
      step: 'end',
      symbol: 'circle',
      symbolSize: 5,
      showSymbol: points.length <= mostMarks,
      showAllSymbol: true,
      ...lineStyleOf(theme, i, 1.8),
      data: points.map(({ trials, seconds, share }) => [over === 'trials' ? trials : seconds / secondsIn[unit], share]),
    })),
  };
}
