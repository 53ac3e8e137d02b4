import { BarChart, CustomChart, LineChart, ParallelChart, ScatterChart } from 'echarts/charts';
import {
  DataZoomInsideComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  ParallelComponent,
  TitleComponent,
  TooltipComponent,
} from 'echarts/components';
import { use } from 'echarts/core';
import { LabelLayout } from 'echarts/features';

/** Registers what charts are made of, once for all of them; a renderer comes with what draws. */
export const registerParts = (): void =>
  use([
    BarChart,
    CustomChart,
    LineChart,
    ParallelChart,
    ScatterChart,
    DataZoomInsideComponent,
    GridComponent,
    LegendComponent,
    MarkAreaComponent,
    MarkLineComponent,
    ParallelComponent,
    TitleComponent,
    TooltipComponent,
    LabelLayout,
  ]);
