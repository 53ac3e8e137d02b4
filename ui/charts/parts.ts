import { BarChart, CustomChart, LineChart, ParallelChart, ScatterChart } from 'echarts/charts';
import {
  DataZoomInsideComponent,
  GridComponent,
  LegendPlainComponent,
  MarkAreaComponent,
  MarkLineComponent,
  ParallelComponent,
  TooltipComponent,
} from 'echarts/components';
import { use } from 'echarts/core';

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
