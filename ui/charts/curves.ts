import { percent } from '../../base/number-text.js';
import type { CurvePoint, ReportMember } from '../../experiments/page/api.js';
import { plainAxis, shareTick } from './axis.js';
import { frameOf, legendLook, numbersOf, saying, topOf, type Heading } from './frame.js';
import { dashOf, hueOf, type Look } from './look.js';
import type { ChartOption, ChartSeries } from './option.js';

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

export interface CurvesInput extends Heading {
  readonly panels: readonly CurvePanel[];
  readonly look: Look;
}

const gap = 3;

/** Where the i-th of some pictures stands, in percent of the width. */
function placeOf(i: number, panels: number) {
  const width = (100 - gap * (panels + 1)) / panels;
  return { left: `${gap + i * (width + gap)}%`, width: `${width}%` };
}

/** Validation accuracy over epochs; a network has its colour and dashes in every panel. */
export function curvesOption({ panels, look, ...heading }: CurvesInput): ChartOption {
  const labels = [...new Set(panels.flatMap(({ curves }) => curves.map(({ label }) => label)))];
  const frame = frameOf(look, heading, { rows: Math.min(4, Math.ceil(labels.length / 10)) });
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
        itemStyle: { color: hueOf(look, i) },
        lineStyle: { color: hueOf(look, i), width: 1.6, type: dashOf(look, i) },
        data: points.map(({ epoch, validationAccuracy }) => ({ value: [epoch + 1, validationAccuracy], key })),
      };
    }),
  );
  return {
    ...frame,
    grid: panels.map((_, i) => ({ ...frame.grid, ...placeOf(i, panels.length), top: topOf(heading) + 6 })),
    xAxis: panels.map(({ title }, gridIndex) => ({ ...plainAxis(look, title, String), gridIndex, minInterval: 1 })),
    yAxis: panels.map((_, gridIndex) => ({
      ...plainAxis(look, 'validation accuracy', shareTick),
      nameGap: 48,
      gridIndex,
    })),
    legend: { ...legendLook(look), data: labels },
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
