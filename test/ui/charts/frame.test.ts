import { describe, expect, it } from 'vitest';
import { gridIn, labelsIn, legendRows } from '../../../ui/charts/frame.js';
import type { ChartOption } from '../../../ui/charts/echarts.js';

const names = ['on the frontier', 'other trials', 'final training', 'enqueued', 'hollow: latency predicted'];

describe('the legend of a chart', () => {
  it('has the rows that its names need', () => {
    expect(legendRows([], 300)).toBe(0);
    expect(legendRows(names, 2000)).toBe(1);
    expect(legendRows(names, 330)).toBe(3);
    // A name that is too long has its own row.
    expect(legendRows(['x'.repeat(200), 'y'], 100)).toBe(2);
  });

  it('makes room for them below a narrow plot only', () => {
    const option: ChartOption = { grid: { bottom: 60 }, legend: { data: names }, series: [] };
    expect(gridIn(option, 1000)).toEqual({ bottom: 60 });
    expect(gridIn(option, 350)).toEqual({ bottom: 100 });
    expect(gridIn({ series: [] }, 350)).toBeUndefined();
  });
});

it('the labels of categories share the width of a chart, and stay readable', () => {
  const widthIn = (count: number, width: number): number => {
    const xAxis = [{ type: 'category', data: Array.from({ length: count }, String) }, { type: 'value' }];
    const [labels, none] = labelsIn({ series: [], xAxis }, width) as { axisLabel: { width: number } }[];
    expect(none).toEqual({});
    return labels.axisLabel.width;
  };
  expect(widthIn(4, 390)).toBe(64);
  expect(widthIn(4, 1000)).toBeGreaterThan(widthIn(4, 390));
  expect(4 * widthIn(4, 1000)).toBeLessThan(1000);
  expect(widthIn(100, 390)).toBe(24);
});
