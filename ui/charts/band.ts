import type { ChartSeries } from './option.js';

/** A vertical range at a place of the horizontal axis. */
export interface Range {
  readonly x: number;
  readonly low: number;
  readonly high: number;
}

/** The area between two lines, as one shape. */
export const bandSeries = (
  name: string,
  ranges: readonly Range[],
  { color, opacity }: { readonly color: string; readonly opacity: number },
): ChartSeries => ({
  type: 'custom',
  name,
  silent: true,
  clip: true,
  itemStyle: { color },
  // The axes know its extent; all of it is drawn with its first row.
  dimensions: ['x', 'low', 'high'],
  encode: { x: 'x', y: ['low', 'high'] },
  data: ranges.map(({ x, low, high }) => [x, low, high]),
  renderItem: ({ dataIndex }, api) => {
    if (dataIndex !== 0) return null;
    const line = (side: 'low' | 'high') => ranges.map((range) => api.coord([range.x, range[side]]));
    return {
      type: 'polygon',
      shape: { points: [...line('low'), ...line('high').reverse()] },
      style: { fill: color, opacity },
    };
  },
});
