import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import type { CurvePoint } from '../../../experiments/page/api.js';
import { choicesOption } from '../../../ui/charts/choices.js';
import { comparisonOption } from '../../../ui/charts/comparison.js';
import { curvesOption, hypervolumeOption } from '../../../ui/charts/curves.js';
import { binsOf, histogramOption } from '../../../ui/charts/histogram.js';
import { importanceOption } from '../../../ui/charts/importance.js';
import { chartThemes } from '../../../ui/charts/theme.js';
import { parallelOption, type ParallelRow } from '../../../ui/charts/parallel.js';
import { predictionErrorsOption, predictionOption, type DrawnPair } from '../../../ui/charts/prediction.js';
import { renderSvg } from '../../../ui/charts/svg.js';
import { hoverOf, textsOf } from './support.js';

const theme = chartThemes.light;
const measures = {
  accuracy: { title: 'accuracy', unit: 'share' },
  latency_ms: { title: 'latency', unit: 'ms' },
} as const;

const curve = (epochs: number): readonly CurvePoint[] =>
  Array.from({ length: epochs }, (_, epoch) => ({
    epoch,
    trainLoss: 1 / (epoch + 1),
    validationAccuracy: 0.8 + epoch / 100,
  }));

describe('learning curves', () => {
  it('stand side by side, and name each network once, also when there are more than colours', () => {
    const curves = Array.from({ length: 16 }, (_, i) => ({ label: `#${i}`, points: curve(5) }));
    const option = curvesOption({
      panels: [
        { title: 'epoch of the search', curves },
        { title: 'epoch of the final training', curves },
      ],
      theme,
      title: 'Learning curves',
    });
    const texts = textsOf(option);
    expect(texts).toEqual(expect.arrayContaining(['epoch of the search', 'epoch of the final training', '#0']));
    expect(texts.filter((text) => text === '#0')).toHaveLength(1);
    const styles = option.series.map((series) => JSON.stringify('lineStyle' in series ? series.lineStyle : null));
    expect(new Set(styles).size).toBe(16);
    expect(hoverOf(option, { seriesName: '#3', value: [2, 0.815], dataIndex: 1 })).toBe('#3\nepoch 2: 81.50 %');
  });
});

describe('hypervolume', () => {
  const points = [
    { trials: 1, seconds: 100, share: 0.2 },
    { trials: 40, seconds: 9000, share: 0.7 },
  ];
  it('goes over trials or over compute, in a unit that is read', () => {
    const over = (kind: 'trials' | 'seconds') =>
      textsOf(hypervolumeOption({ runs: [{ name: 'a', points }], over: kind, theme }));
    expect(over('trials')).toContain('trials that ended');
    expect(over('seconds')).toContain('compute [h]');
    expect(over('trials')).not.toContain('a');
  });
  it('names several runs', () => {
    const runs = ['first', 'second'].map((name) => ({ name, points }));
    expect(textsOf(hypervolumeOption({ runs, over: 'trials', theme }))).toEqual(
      expect.arrayContaining(['first', 'second']),
    );
  });
});

describe('predicted latency', () => {
  const pairs: DrawnPair[] = [
    { trial: 1, precision: 'fp32', predicted: 1, measured: 1.1, std: 0.1, coverage: 1 },
    { trial: 2, precision: 'int8', predicted: 0.5, measured: 0.4, std: 0.2, coverage: 0.5 },
  ];
  it('has the same scale on both axes, and marks by precision and coverage', () => {
    const option = predictionOption({ pairs, theme, title: 'Predicted and measured latency' });
    const [x, y] = [option.xAxis, option.yAxis] as { min: number; max: number }[];
    expect([x.min, x.max]).toEqual([y.min, y.max]);
    expect(x.min).toBeCloseTo(0.358);
    expect(x.max).toBeCloseTo(1.142);
    expect(textsOf(option)).toEqual(expect.arrayContaining(['fp32', 'int8', 'hollow: extrapolated']));
    expect(hoverOf(option, { data: { pair: pairs[1] } })).toBe(
      '#2 in int8\npredicted: 0.5 ms ± 0.2 ms\nmeasured: 0.4 ms\ncoverage: 50 %',
    );
  });
  it('has no legend where there is nothing to tell apart', () => {
    const plain = pairs.map(({ trial, predicted, measured }) => ({ trial, predicted, measured }));
    expect(textsOf(predictionOption({ pairs: plain, theme }))).not.toContain('networks');
  });
  it('shows errors in the order of the measurements', () => {
    const option = predictionErrorsOption({ pairs, theme });
    const values = option.series.flatMap(({ data }) => (Array.isArray(data) ? (data as { value: number[] }[]) : []));
    expect(values.map(({ value }) => value.map(Math.round))).toEqual([
      [1, -9],
      [2, 25],
    ]);
    expect(textsOf(option)).toContain('error of the prediction [%]');
  });
});

it('controllers are compared by medians and the middle halves around them', () => {
  const rise = (by: number) =>
    Array.from({ length: 150 }, (_, n) => {
      const median = 0.5 + (0.4 * n * by) / 150;
      return { low: median - 0.05, median, high: median + 0.05 };
    });
  const methods = [
    { method: 'surrogate', curve: rise(1) },
    { method: 'random', curve: rise(0.6) },
  ];
  const option = comparisonOption({ methods, subtitle: ['one line'], theme });
  expect(textsOf(option)).toEqual(expect.arrayContaining(['surrogate', 'random', 'evaluations', 'one line']));
  expect(renderSvg(option, { width: 820, height: 500 }).match(/fill-opacity="0.15"/g)).toHaveLength(2);
});

describe('a histogram', () => {
  it('counts every sample once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (samples) => {
          const bins = binsOf(samples);
          expect(bins.length).toBeLessThanOrEqual(60);
          expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(samples.length);
        },
      ),
    );
  });
  it('names its percentiles and what is said of the latency', () => {
    const random = new Random(1, 'samples');
    const samples = Array.from({ length: 300 }, () => 1 + 0.1 * Math.abs(random.normal()));
    const option = histogramOption({
      samples,
      percentiles: { p50: 1.07, p95: 1.2, p99: 1.26 },
      ms: 1.08,
      interval: [1.07, 1.09],
      theme,
    });
    const texts = textsOf(option);
    for (const name of ['p50 1.07 ms', 'p95 1.2 ms', 'p99 1.26 ms', 'latency 1.08 ms']) expect(texts).toContain(name);
  });
  it('is drawn of one sample, and of none', () => {
    const of = (samples: number[]) =>
      histogramOption({ samples, percentiles: { p50: 1, p95: 1, p99: 1 }, ms: 1, interval: [1, 1], theme });
    for (const samples of [[], [1]]) expect(textsOf(of(samples))).toContain('latency 1 ms');
  });
});

it('importance is a bar for each objective and decision, the greatest first', () => {
  const shares = (entries: [string, number][]) => entries.map(([decision, share]) => ({ decision, share }));
  const option = importanceOption({
    objectives: [
      {
        objective: 'accuracy',
        fit: 0.8,
        decisions: shares([
          ['depth', 0.6],
          ['width', 0.1],
        ]),
      },
      {
        objective: 'latency_ms',
        fit: 0.9,
        decisions: shares([
          ['width', 0.7],
          ['depth', 0.2],
          ['kernel', 0.05],
        ]),
      },
    ],
    measures,
    theme,
    most: 2,
  });
  const texts = textsOf(option);
  expect(texts).toEqual(expect.arrayContaining(['width', 'depth', 'accuracy', 'latency']));
  expect(texts.indexOf('width')).toBeLessThan(texts.indexOf('depth'));
  expect(texts).not.toContain('kernel');
  expect(option.series.map(({ data }) => data)).toEqual([
    [0.1, 0.6],
    [0.7, 0.2],
  ]);
});

it('values by choice have a box each, of all values, and marks for some', () => {
  const values = (count: number) => Array.from({ length: count }, (_, i) => ({ value: 0.5 + i / 10_000, key: i }));
  const option = choicesOption({
    decision: 'kernel',
    groups: [
      { choice: '3', values: values(1001) },
      { choice: '5', values: [] },
      { choice: '7', values: values(11) },
    ],
    measure: 'accuracy',
    measures,
    theme,
  });
  expect(textsOf(option)).toEqual(expect.arrayContaining(['3', '5', '7', 'kernel', 'accuracy']));
  const [marks, boxes] = option.series.map(({ data }) => data as number[][]);
  expect(marks).toHaveLength(311);
  expect(boxes).toEqual([
    [0, expect.closeTo(0.525), expect.closeTo(0.55), expect.closeTo(0.575), 1001],
    [2, expect.closeTo(0.50025), expect.closeTo(0.5005), expect.closeTo(0.50075), 11],
  ]);
});

it('of many candidates, parallel coordinates show some, and all of the frontier on top', () => {
  const row = (number: number): ParallelRow => ({
    key: { number, precision: 'fp32' },
    values: [number % 2 === 0 ? '3' : '5', 0.5 + number / 1e5, number === 7 ? null : 1],
    onFrontier: number % 1000 === 0,
  });
  const option = parallelOption({
    axes: [
      { kind: 'decision', name: 'kernel', choices: ['3', '5'] },
      { kind: 'measure', name: 'accuracy' },
      { kind: 'measure', name: 'latency_ms' },
    ],
    rows: Array.from({ length: 10_000 }, (_, i) => row(i)),
    measures,
    theme,
  });
  expect(option.series.map(({ data }) => (data as unknown[]).length)).toEqual([2000, 10]);
  expect(textsOf(option)).toEqual(expect.arrayContaining(['kernel', 'accuracy', 'latency', '3', '5']));
  expect(hoverOf(option, { data: { key: { number: 4, precision: 'fp32' } }, value: ['3', 0.5, 1] })).toBe(
    '#4 in fp32\nkernel: 3\naccuracy: 50.00 %\nlatency: 1 ms',
  );
});
