import {
  BarChart,
  type BarSeriesOption,
  CustomChart,
  type CustomSeriesOption,
  LineChart,
  type LineSeriesOption,
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
  type TitleComponentOption,
  TooltipComponent,
  type TooltipComponentOption,
} from 'echarts/components';
import { type ComposeOption, use } from 'echarts/core';

interface Keyed {
  /** The key of a point, in series whose points are typed arrays. A click on the point passes it to the page. */
  readonly keyAt?: (row: number) => unknown;
  /** Whether the arrow keys step from point to point, along x. */
  readonly walked?: boolean;
  /** The direction from its marks in which their labels lie best, as signs; `labelled` places them. */
  readonly aside?: readonly [x: number, y: number];
}

type Series = BarSeriesOption | CustomSeriesOption | LineSeriesOption | ScatterSeriesOption;

export type ScatterSeries = ScatterSeriesOption & Keyed;

/** One series; an object in `data` may have a `key`. */
export type ChartSeries = Series & Keyed;

/** A chart, made of the components that `registerComponents` registers. */
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
};

/** Registers the chart types and components. The renderer is registered separately; reports add titles. */
export const registerComponents = (): void =>
  use([
    BarChart,
    CustomChart,
    LineChart,
    ScatterChart,
    DataZoomInsideComponent,
    GridComponent,
    LegendPlainComponent,
    MarkAreaComponent,
    MarkLineComponent,
    TooltipComponent,
  ]);
