import type {
  BarSeriesOption,
  CustomSeriesOption,
  LineSeriesOption,
  ParallelSeriesOption,
  ScatterSeriesOption,
} from 'echarts/charts';
import type {
  DataZoomComponentOption,
  GridComponentOption,
  LegendComponentOption,
  MarkAreaComponentOption,
  MarkLineComponentOption,
  ParallelComponentOption,
  TitleComponentOption,
  TooltipComponentOption,
} from 'echarts/components';
import type { ComposeOption } from 'echarts/core';

/** What a mark stands for: the page gets it when the mark is clicked. */
interface Keyed {
  /** Of series whose points are columns: what the point of this row stands for. */
  readonly keyAt?: (row: number) => unknown;
  /** Whether the keyboard goes from point to point, along x. */
  readonly walked?: boolean;
}

type Series = BarSeriesOption | CustomSeriesOption | LineSeriesOption | ParallelSeriesOption | ScatterSeriesOption;

export type ScatterSeries = ScatterSeriesOption & Keyed;

/** One series; a point of `data` that is an object may hold a `key`. */
export type ChartSeries = Series & Keyed;

/** A chart, of the parts of ECharts that `parts.ts` registers. */
export type ChartOption = Omit<
  ComposeOption<
    | Series
    | DataZoomComponentOption
    | GridComponentOption
    | LegendComponentOption
    | MarkAreaComponentOption
    | MarkLineComponentOption
    | TitleComponentOption
    | TooltipComponentOption
  >,
  'series'
> & {
  readonly series: ChartSeries[];
  readonly parallel?: ParallelComponentOption;
  readonly parallelAxis?: readonly object[];
};
