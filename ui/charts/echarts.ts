import {
  BarChart,
  type BarSeriesOption,
  CustomChart,
  type CustomSeriesOption,
  LineChart,
  type LineSeriesOption,
  ParallelChart,
  type ParallelSeriesOption,
  ScatterChart,
  type ScatterSeriesOption,
} from 'echarts/charts';
import {
  type DataZoomComponentOption,
  DataZoomInsideComponent,
  GridComponent,
  type GridComponentOption,
  type LegendComponentOption,
  LegendPlainComponent,
  MarkAreaComponent,
  type MarkAreaComponentOption,
  MarkLineComponent,
  type MarkLineComponentOption,
  ParallelComponent,
  type ParallelComponentOption,
  type TitleComponentOption,
  TooltipComponent,
  type TooltipComponentOption,
} from 'echarts/components';
import { type ComposeOption, use } from 'echarts/core';

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

/** Registers what charts are made of, once for all of them; a renderer comes with what draws, and titles with reports. */
export const registerParts = (): void =>
  use([
    BarChart,
    CustomChart,
    LineChart,
    ParallelChart,
    ScatterChart,
    DataZoomInsideComponent,
    GridComponent,
    LegendPlainComponent,
    MarkAreaComponent,
    MarkLineComponent,
    ParallelComponent,
    TooltipComponent,
  ]);
