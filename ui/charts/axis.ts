import { isShare, type Unit } from '../../base/number-text.js';
import type { MeasureText } from '../../reports/page/api.js';
import { titleOf } from '../data/measures.js';
import { font, type ChartTheme } from './theme.js';

export type Measures = Readonly<Record<string, MeasureText>>;

const digits = (value: number, most: number): string => String(Number(value.toPrecision(most)));

const prefixed = (value: number): string => {
  const step = [
    { at: 1e12, suffix: 'T' },
    { at: 1e9, suffix: 'G' },
    { at: 1e6, suffix: 'M' },
    { at: 1e3, suffix: 'k' },
  ].find(({ at }) => Math.abs(value) >= at);
  return step === undefined ? digits(value, 6) : `${digits(value / step.at, 6)}${step.suffix}`;
};

/** How ticks are written, and the suffix of the axis's title. */
const styles: { readonly [U in Unit]: { readonly suffix: string; readonly tick: (value: number) => string } } = {
  share: { suffix: '', tick: (value) => `${digits(100 * value, 6)}%` },
  ms: { suffix: ' [ms]', tick: (value) => digits(value, 6) },
  count: { suffix: '', tick: prefixed },
  bytes: { suffix: ' [bytes]', tick: prefixed },
  score: { suffix: '', tick: (value) => digits(value, 6) },
};

/** The minimum and the maximum; null without any number. */
export function extentOf(values: Iterable<number>): readonly [low: number, high: number] | null {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? null : [low, high];
}

/** Whether values suit a logarithmic axis: positive, and spanning more than a factor of 30. */
export const spansDecades = (extent: readonly [low: number, high: number] | null): boolean =>
  extent !== null && extent[0] > 0 && extent[1] / extent[0] > 30;

/** Round numbers between two positive numbers; fewer in each decade when there are many decades. */
function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const steps = decades > 4 ? [1] : decades > 2.2 ? [1, 2, 5] : [1, 2, 3, 5, 7];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const step of steps) {
      const tick = Number(`${step}e${power}`);
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  return ticks;
}

export const axisStyle = (theme: ChartTheme) => ({
  nameLocation: 'middle' as const,
  nameTextStyle: { color: theme.ink, fontFamily: font, fontSize: 13, fontWeight: 600 },
  axisLine: { show: true, onZero: false, lineStyle: { color: theme.faint } },
  axisTick: { show: true, lineStyle: { color: theme.faint } },
  axisLabel: { color: theme.soft, fontFamily: font, fontSize: 12, hideOverlap: true },
  splitLine: { show: true, lineStyle: { color: theme.line } },
});

interface AxisInput {
  /** The name of its measure; null: trial numbers. */
  readonly measure: string | null;
  readonly measures: Measures;
  readonly theme: ChartTheme;
  readonly extent: readonly [low: number, high: number] | null;
  readonly log: boolean;
  /** Replaces the measure's title. */
  readonly title?: string | undefined;
}

function styleOf({ measure, measures, extent }: AxisInput) {
  if (measure === null)
    return { title: 'trial', suffix: '', ends: undefined, tick: (value: number) => digits(value, 15) };
  const unit = Object.hasOwn(measures, measure) ? measures[measure].unit : 'score';
  const shares = extent === null || extent.every(isShare);
  // Around a single share, the axis would go beyond 100 %.
  const ends = unit === 'share' && shares && extent !== null && extent[0] === extent[1] && extent[0] >= 0;
  return {
    title: titleOf(measures, measure),
    ...(unit === 'share' && !shares ? styles.score : styles[unit]),
    ...(ends && { ends: { min: 0, max: 1 } }),
  };
}

/** An axis over the values of a measure. It need not start at zero. */
export function valueAxis(input: AxisInput) {
  const { theme, extent, log } = input;
  const { title, suffix, tick, ends } = styleOf(input);
  const common = { ...axisStyle(theme), name: `${input.title ?? title}${suffix}`, nameGap: 32 };
  const label = { ...common.axisLabel, formatter: tick };
  if (!log || extent === null) return { ...common, type: 'value' as const, scale: true, ...ends, axisLabel: label };
  const [min, max] = [extent[0] / 1.15, extent[1] * 1.15];
  const customValues = logTicks(min, max);
  return {
    ...common,
    type: 'log' as const,
    min,
    max,
    axisLabel: { ...label, customValues },
    axisTick: { ...common.axisTick, customValues },
  };
}

/** A numeric axis without a measure, with its own title. */
export const plainAxis = (theme: ChartTheme, name: string, tick: (value: number) => string = styles.score.tick) => ({
  ...axisStyle(theme),
  type: 'value' as const,
  scale: true,
  name,
  nameGap: 32,
  axisLabel: { ...axisStyle(theme).axisLabel, formatter: tick },
});

/** How ticks of a unit are written: of shares, `87.5%`. */
export const tickOf = (unit: Unit): ((value: number) => string) => styles[unit].tick;

export const shareTick = tickOf('share');
