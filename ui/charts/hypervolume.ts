import { duration, percent } from '../../base/number-text.js';
import type { HypervolumePoint } from '../../experiments/page/api.js';
import { plainAxis, shareTick } from './axis.js';
import { frameOf, legendLook, numbersOf, saying, type Heading } from './frame.js';
import { dashOf, hueOf, type Look } from './look.js';
import type { ChartOption } from './option.js';

export interface HypervolumeInput extends Heading {
  /** One line a run. */
  readonly runs: readonly { readonly name: string; readonly points: readonly HypervolumePoint[] }[];
  /** What it is drawn over: trials that ended, or what they took. */
  readonly over: 'trials' | 'seconds';
  readonly look: Look;
}

const secondsIn = { s: 1, min: 60, h: 3600 } as const;

/** The unit in which so many seconds are read. */
const unitOf = (seconds: number): keyof typeof secondsIn => {
  if (seconds < 180) return 's';
  return seconds < 7200 ? 'min' : 'h';
};

/** How much of the space between the worst and the best values the frontier dominates, as it grew. */
export function hypervolumeOption({ runs, over, look, ...heading }: HypervolumeInput): ChartOption {
  const most = Math.max(0, ...runs.flatMap(({ points }) => points.map(({ seconds }) => seconds)));
  const unit = unitOf(most);
  const at = (point: HypervolumePoint): number => (over === 'trials' ? point.trials : point.seconds / secondsIn[unit]);
  const several = runs.length > 1;
  const frame = frameOf(look, heading, { rows: several ? 1 : 0 });
  const title = over === 'trials' ? 'trials that ended' : `compute [${unit}]`;
  return {
    ...frame,
    xAxis: { ...plainAxis(look, title), min: 0 },
    yAxis: { ...plainAxis(look, 'hypervolume', shareTick), nameGap: 48 },
    legend: { ...legendLook(look), show: several },
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
      itemStyle: { color: hueOf(look, i) },
      lineStyle: { color: hueOf(look, i), width: 1.8, type: dashOf(look, i) },
      data: points.map((point) => [at(point), point.share]),
    })),
  };
}
