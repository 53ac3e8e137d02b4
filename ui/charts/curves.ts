import { clockTime, duration, percent } from '../../base/number-text.js';
import { mainScores, scoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { CurvePoint, HypervolumePoint, ReportMember } from '../../reports/page/api.js';
import { extentOf, plainAxis, tickOf, valueAxis } from './axis.js';
import type { ChartOption, ChartSeries } from './echarts.js';
import { frameOf, itemOf, legendStyle, numbersOf, saying, type Heading } from './frame.js';
import { overlayOption } from './overlay.js';
import { hueOf, symbolOf, type ChartTheme } from './theme.js';

/** The trainings of a trial, in their order, and their titles. */
export const stages = { search: 'search', final: 'final training' } as const;

type StageKey = keyof typeof stages;
export const stageKeys = Object.keys(stages) as readonly StageKey[];

/** A learning curve of a network in one of its trainings. */
export interface Curve {
  /** In the legend: `#12`. All curves of a label have its colour and marks. */
  readonly label: string;
  readonly stage: StageKey;
  readonly points: readonly CurvePoint[];
  /** What a click on a point opens. */
  readonly key?: unknown;
  /** Whether it stays strong among many curves. */
  readonly strong?: boolean;
}

/** The learning curves of a frontier's networks, in the search and in the final training. */
export function memberCurves(members: readonly ReportMember[]): readonly Curve[] {
  // A network on the frontier in two precisions was trained once.
  const once = [...new Map(members.map((member) => [member.number, member])).values()];
  const sorted = once.sort((a, b) => a.number - b.number);
  return sorted.flatMap(({ number, curves }) =>
    (['search', 'final'] as const)
      .filter((stage) => curves[stage].length > 0)
      .map((stage) => ({ label: `#${number}`, stage, points: curves[stage] })),
  );
}

/** What curves show: the main score, or the loss. */
export type Quantity = 'score' | 'loss';

interface CurvesInput extends Heading {
  readonly task: TaskType;
  readonly quantity: Quantity;
  readonly curves: readonly Curve[];
  /** Whether curves of the training images are drawn, too. */
  readonly training: boolean;
  /** Whether the loss has a logarithmic axis. */
  readonly log?: boolean;
  /** Epochs of the exponential mean; 1 draws values as they are. */
  readonly smoothing?: number;
  readonly theme: ChartTheme;
}

/** The lowest score that is drawn: an R² below it says only that an early epoch was useless, and would flatten the rest. */
const floor = -1;

/** Larger curves have no marks. */
const mostMarks = 60;
/** More labels are told apart by pointing at them: their lines are faint, without marks and legend. */
const mostLabels = 24;

const lossMeasure = { loss: { title: 'loss', unit: 'score' } } as const;

/** The line under the pointer stands out of many. */
const pointed = { emphasis: { focus: 'series' as const, lineStyle: { width: 3, opacity: 1 } } };

const splits = ['validation', 'training'] as const;
type Split = (typeof splits)[number];

const values: { readonly [Q in Quantity]: { readonly [S in Split]: (point: CurvePoint) => number } } = {
  score: {
    validation: ({ validationAccuracy }) => validationAccuracy,
    training: ({ trainAccuracy }) => trainAccuracy,
  },
  loss: { validation: ({ validationLoss }) => validationLoss, training: ({ trainLoss }) => trainLoss },
};

/** The exponential mean over about so many values, which starts at the first one. */
export function smoothed(of: readonly number[], epochs: number): readonly number[] {
  const weight = 2 / (epochs + 1);
  let mean = of.at(0) ?? 0;
  return of.map((value) => (mean += weight * (value - mean)));
}

/**
 * Learning curves of the validation images (solid) and the training images (dotted). Each network has a colour and a mark.
 * Trainings of the search have hollow marks, all others filled ones.
 */
export function curvesOption(input: CurvesInput): ChartOption {
  const { task, quantity, curves, training, log = false, smoothing = 1, theme, ...heading } = input;
  const { title, unit, ofTraining } = mainScores[task];
  const labels = [...new Set(curves.map(({ label }) => label))];
  const many = labels.length > mostLabels;
  const several = new Set(curves.map(({ stage }) => stage)).size > 1;
  const text = (value: number): string => (quantity === 'score' ? scoreText(task, value) : value.toPrecision(4));
  const lines = curves.flatMap((curve) =>
    splits
      .filter((split) => split === 'validation' || (training && (ofTraining || quantity === 'loss')))
      .map((split) => ({ curve, split, at: smoothed(curve.points.map(values[quantity][split]), smoothing) })),
  );
  // The legend shows the marks of the first line of a label: filled ones.
  lines.sort((a, b) => Number(a.curve.stage === 'search') - Number(b.curve.stage === 'search'));
  const all = lines.flatMap(({ at }) => at);
  const [least, most] = extentOf(all) ?? [0, 1];
  const isLog = log && quantity === 'loss' && least > 0;
  const name = quantity === 'score' ? title : 'loss';
  return {
    ...frameOf(theme, many ? 0 : Math.min(4, Math.ceil(labels.length / 10)), heading),
    xAxis: { ...plainAxis(theme, 'epoch', String), minInterval: 1 },
    yAxis: {
      ...(isLog
        ? valueAxis({ measure: 'loss', measures: lossMeasure, theme, extent: [least, most], log: true })
        : plainAxis(theme, name, quantity === 'score' ? tickOf(unit) : undefined)),
      ...(quantity === 'score' && least < floor && { min: floor }),
      nameGap: 48,
    },
    legend: { ...legendStyle(theme), show: !many, data: labels },
    tooltip: saying(theme, (at) => {
      const [epoch, value] = numbersOf(at);
      const of = itemOf(at.data, 'of') as string | undefined;
      return `${at.seriesName ?? ''}${of === undefined ? '' : `, ${of}`}\nepoch ${epoch}: ${text(value)}`;
    }),
    series: lines.map(({ curve: { label, stage, points, key, strong = false }, split, at }): ChartSeries => {
      const i = labels.indexOf(label);
      const color = hueOf(theme, i);
      const isFaint = many && !strong;
      const isHollow = several && stage === 'search';
      return {
        type: 'line',
        id: `${label} ${stage} ${split}`,
        name: label,
        symbol: symbolOf(i),
        symbolSize: split === 'validation' ? 6 : 4,
        showSymbol: !many && points.length <= mostMarks,
        showAllSymbol: true,
        itemStyle: { color: isHollow ? theme.card : color, borderColor: color, borderWidth: 1.2 },
        lineStyle: {
          color,
          width: split === 'validation' ? 1.7 : 1.2,
          type: split === 'training' ? [2, 3] : 'solid',
          opacity: isFaint ? Math.max(0.08, 12 / labels.length) : isHollow ? 0.7 : 1,
        },
        triggerEvent: many ? 'line' : undefined,
        keyAt: () => key,
        ...pointed,
        z: strong ? 3 : 2,
        data: points.map(({ epoch }, j) => ({
          value: [epoch + 1, at[j]],
          key,
          of: `${split}, ${stages[stage]}`,
        })),
      };
    }),
  };
}

export interface HypervolumeRun {
  readonly name: string;
  readonly points: readonly HypervolumePoint[];
}

interface HypervolumeInput {
  /** One line for each run. */
  readonly runs: readonly HypervolumeRun[];
  readonly over: keyof typeof progress;
  readonly theme: ChartTheme;
}

/** The horizontal axis of hypervolume. */
const progress = {
  trials: { measure: null, title: 'trials that ended', text: (x: number) => `${x} trials` },
  seconds: { measure: null, title: 'compute [h:min:s]', text: duration, tick: clockTime },
} as const;

/** The growth of the share of the space between the worst and the best values that the frontier dominates. */
export function hypervolumeOption({ runs, over, theme }: HypervolumeInput): ChartOption {
  return overlayOption({
    lines: runs.map(({ name, points }) => ({ name, points: points.map((at) => ({ x: at[over], y: at.share })) })),
    x: progress[over],
    y: { measure: 'share', text: percent },
    measures: { share: { title: 'hypervolume', unit: 'share' } },
    theme,
    // A frontier keeps its hypervolume until a trial improves it.
    step: 'end',
    marks: false,
    layered: true,
  });
}
