import { percent } from '../../base/number-text.js';
import type { Importance } from '../../reports/page/api.js';
import { titleOf } from '../data/measures.js';
import { axisStyle, plainAxis, shareTick, type Measures } from './axis.js';
import { frameOf, legendStyle, numbersOf, saying } from './frame.js';
import { hueOf, type ChartTheme } from './theme.js';
import type { ChartOption } from './echarts.js';

interface ImportanceInput {
  readonly objectives: readonly Importance[];
  readonly measures: Measures;
  readonly theme: ChartTheme;
  /** The most decisions that are drawn: those with the greatest shares. */
  readonly most?: number;
}

/** The decisions with the greatest shares of any objective, in descending order. */
export function mostImportant(objectives: readonly Importance[], most = Infinity): readonly string[] {
  const greatest = new Map<string, number>();
  for (const { decisions } of objectives)
    for (const { decision, share } of decisions) greatest.set(decision, Math.max(share, greatest.get(decision) ?? 0));
  return [...greatest]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([decision]) => decision);
}

/** The share of an objective's variance that a decision explains alone. */
export const shareOf = ({ decisions }: Importance, name: string): number =>
  decisions.find(({ decision }) => decision === name)?.share ?? 0;

const drawn = ({ objectives, most = 20 }: ImportanceInput): readonly string[] => mostImportant(objectives, most);

export const importanceHeight = (input: ImportanceInput): number =>
  110 + drawn(input).length * (10 + 12 * input.objectives.length);

/** Bars of the share of each objective's variance that a decision explains alone. */
export function importanceOption(input: ImportanceInput): ChartOption {
  const { objectives, measures, theme } = input;
  const decisions = drawn(input);
  const category = axisStyle(theme);
  return {
    ...frameOf(theme, 1),
    xAxis: { ...plainAxis(theme, 'share of the variance', shareTick), min: 0 },
    yAxis: {
      ...category,
      type: 'category',
      inverse: true,
      data: [...decisions],
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: {
        ...category.axisLabel,
        color: theme.ink,
        hideOverlap: false,
        interval: 0,
        width: 180,
        overflow: 'truncate',
      },
    },
    legend: legendStyle(theme),
    tooltip: saying(
      theme,
      (at) => `${decisions[at.dataIndex]}\n${at.seriesName ?? ''}: ${percent(numbersOf(at)[0])} of the variance`,
    ),
    series: objectives.map((importance, i) => ({
      type: 'bar',
      name: titleOf(measures, importance.objective),
      barMaxWidth: 14,
      itemStyle: { color: hueOf(theme, i) },
      data: decisions.map((name) => shareOf(importance, name)),
    })),
  };
}
