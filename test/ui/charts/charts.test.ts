import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import type { CurvePoint } from '../../../reports/page/api.js';
import { choicesOption } from '../../../ui/charts/choices.js';
import type { ChartOption } from '../../../ui/charts/echarts.js';
import { valueAxis } from '../../../ui/charts/axis.js';
import { curvesOption, hypervolumeOption, smoothed } from '../../../ui/charts/curves.js';
import { binsOf, histogramOption, limitOf, sampleShares } from '../../../ui/charts/histogram.js';
import { importanceOption } from '../../../ui/charts/importance.js';
import { chartThemes } from '../../../ui/charts/theme.js';
import { predictionErrorsOption, predictionOption, type DrawnPair } from '../../../ui/charts/prediction.js';
import { hoverOf, textsOf } from './support.js';
import { renderSvg } from '../../../ui/charts/svg.js';

const theme = chartThemes.light;
const measures = {
  accuracy: { title: 'accuracy', unit: 'share' },
  latency_ms: { title: 'latency', unit: 'ms' },
} as const;

const curve = (epochs: number): readonly CurvePoint[] =>
  Array.from({ length: epochs }, (_, epoch) => ({
    epoch,
    trainLoss: 1 / (epoch + 1),
    trainAccuracy: 0.81 + epoch / 100,
    validationLoss: 1.2 / (epoch + 1),
    validationAccuracy: 0.8 + epoch / 100,
  }));

describe('learning curves', () => {
  const input = { task: 'classification', quantity: 'score', training: true, theme } as const;
  const of = (label: string, stage: 'search' | 'final' = 'final', epochs = 4) => ({
    label,
    stage,
    points: curve(epochs),
  });
  const linesOf = (option: ChartOption) =>
    option.series.flatMap((each) =>
      each.type === 'line'
        ? [
            {
              id: each.id,
              opacity: each.lineStyle?.opacity,
              look: JSON.stringify([each.symbol, each.lineStyle?.type, each.itemStyle?.color === theme.card]),
            },
          ]
        : [],
    );

  it('are in the unit of the task, and end at -1 where an early R² is far below', () => {
    const points = [-84, 0.2, 0.9].map((validationAccuracy, epoch) => ({ ...curve(1)[0], epoch, validationAccuracy }));
    const option = curvesOption({
      ...input,
      task: 'regression',
      training: false,
      curves: [{ label: '#1', stage: 'final', points }],
    });
    expect(textsOf(option)).toContain('R²');
    expect(option.yAxis).toMatchObject({ min: -1 });
    expect(hoverOf(option, { seriesName: '#1', value: [3, 0.9], dataIndex: 2 })).toBe('#1\nepoch 3: 0.9');
  });

  it('tell networks, trainings, and images apart without colour', () => {
    const option = curvesOption({ ...input, curves: [of('#1', 'search'), of('#1'), of('#2', 'search'), of('#2')] });
    const looks = linesOf(option).map(({ look }) => look);
    expect(looks).toHaveLength(8);
    expect(new Set(looks).size).toBe(8);
  });

  it('show the loss on a logarithmic axis, and only validation images where asked', () => {
    const option = curvesOption({ ...input, quantity: 'loss', log: true, training: false, curves: [of('#1')] });
    expect(option.yAxis).toMatchObject({ type: 'log' });
    expect(linesOf(option).map(({ id }) => id)).toEqual(['#1 final validation']);
  });

  it('show training images only where their score is that of the task, and always in losses', () => {
    const ids = (task: 'detection' | 'classification', quantity: 'score' | 'loss') =>
      linesOf(curvesOption({ ...input, task, quantity, curves: [of('#1')] })).map(({ id }) => id);
    const both = ['#1 final validation', '#1 final training'];
    expect(ids('detection', 'score')).toEqual(both.slice(0, 1));
    expect(ids('detection', 'loss')).toEqual(both);
    expect(ids('classification', 'score')).toEqual(both);
  });

  it('are faint without legend and marks when there are many, but for strong ones', () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({ ...of(`#${i}`), strong: i === 7 }));
    const option = curvesOption({ ...input, training: false, curves: many });
    expect(option.legend).toMatchObject({ show: false });
    const opacities = linesOf(option).map(({ opacity }) => opacity);
    expect([opacities[6], opacities[7]]).toEqual([0.08, 1]);
  });

  it('are smoothed from their first value on', () => {
    expect(smoothed([1, 1, 5], 1)).toEqual([1, 1, 5]);
    expect(smoothed([1, 1, 5], 3)).toEqual([1, 1, 3]);
  });
});

describe('an axis', () => {
  it('of shares ends at 0 and 100 % around a single one', () => {
    const measures = { ap50: { title: 'AP50', unit: 'share' } } as const;
    const at = (...extent: [number, number]) => valueAxis({ measure: 'ap50', measures, theme, extent, log: false });
    expect(at(0.88, 0.88)).toMatchObject({ min: 0, max: 1 });
    expect(at(0.7, 0.88)).not.toHaveProperty('max');
    expect(at(1.2, 1.2)).not.toHaveProperty('max');
  });
});

describe('hypervolume', () => {
  const points = [
    { trials: 1, seconds: 100, share: 0.2 },
    { trials: 40, seconds: 9000, share: 0.7 },
  ];
  it('is drawn over trials or over compute', () => {
    const over = (kind: 'trials' | 'seconds') =>
      textsOf(hypervolumeOption({ runs: [{ name: 'a', points }], over: kind, theme }));
    expect(over('trials')).toContain('trials that ended');
    expect(over('seconds')).toContain('compute [h:min:s]');
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
  it('has no legend for a single kind of mark', () => {
    const plain = pairs.map(({ trial, predicted, measured }) => ({ trial, predicted, measured }));
    expect(textsOf(predictionOption({ pairs: plain, theme }))).not.toContain('networks');
  });
  it('shows errors in the order of the measurements', () => {
    const option = predictionErrorsOption({ pairs, theme });
    const values = option.series.flatMap(({ data }) => (Array.isArray(data) ? (data as { value: number[] }[]) : []));
    expect(values.flatMap(({ value }) => value.map(Math.round))).toEqual([1, -9, 2, 25]);
    expect(textsOf(option)).toContain('error of the prediction [%]');
  });
});

describe('a histogram', () => {
  it('counts every sample once that is not far slower than the others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (samples) => {
          const bins = binsOf(samples);
          expect(bins.length).toBeLessThanOrEqual(60);
          const slower = samples.filter((sample) => sample > limitOf(samples)).length;
          expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(samples.length - slower);
          expect(slower).toBeLessThanOrEqual(samples.length / 20 + 1);
        },
      ),
    );
  });
  it('labels its percentiles and the latency', () => {
    const random = new Random(1, 'samples');
    const samples = Array.from({ length: 300 }, () => 1 + 0.1 * Math.abs(random.normal()));
    const percentiles = { p50: 1.07, p95: 1.2, p99: 1.26 };
    const texts = textsOf(histogramOption({ samples, percentiles, ms: 1.08, interval: [1.07, 1.09], theme }));
    for (const name of ['p50 1.07 ms', 'p95 1.2 ms', 'p99 1.26 ms', 'latency 1.08 ms']) expect(texts).toContain(name);
  });
  it('may have any title', () => {
    const option = histogramOption({
      samples: [1],
      percentiles: { p50: 1, p95: 1, p99: 1 },
      ms: 1,
      interval: [1, 1],
      theme,
    });
    const drawn = renderSvg({ ...option, title: { text: "a $' and $& b" } }, { width: 400, height: 300 });
    expect(drawn).toMatch(/^<svg role="img" aria-label="a \$' and \$&amp; b" width/);
  });
  it('is drawn for one sample, and for none', () => {
    const of = (samples: number[]) =>
      histogramOption({ samples, percentiles: { p50: 1, p95: 1, p99: 1 }, ms: 1, interval: [1, 1], theme });
    for (const samples of [[], [1]]) expect(textsOf(of(samples))).toContain('latency 1 ms');
  });
});

describe('samples in shared bins', () => {
  it('share a bin when they are equal', () => {
    const shares = sampleShares([Array.of(1, 1, 2), Array.of(2, 2)], 10);
    expect(shares?.shares.map((bins) => bins.filter((share) => share > 0))).toEqual([[2 / 3, 1 / 3], [1]]);
    expect(shares?.shares[0].at(-1)).toBeCloseTo(1 / 3);
    expect(shares?.shares[1].at(-1)).toBe(1);
    expect(sampleShares([[], []])).toBeNull();
    expect(sampleShares([[5], []], 4)?.shares[1]).toEqual([0, 0, 0, 0]);
  });
  it('leave out outliers, and count them', () => {
    const slow = sampleShares([[...Array.from({ length: 199 }, (_, i) => 1 + i / 1000), 50]]);
    expect(slow?.beyond).toBe(10);
    expect(slow?.at.at(-1)).toBeLessThan(1.2);
    const many = sampleShares([[...new Array<number>(80).fill(1), ...new Array<number>(20).fill(100)]]);
    expect(many?.at.at(-1)).toBeLessThan(4);
    expect(many?.beyond).toBe(20);
  });
  it('count every sample once', () => {
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const samples = fc.array(fc.double({ min: 0.001, max: 1000, noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        const found = sampleShares([a, b], 7);
        const counted = sum(found?.shares.map((bins, i) => sum(bins) * [a, b][i].length) ?? []);
        expect(counted + (found?.beyond ?? 0)).toBeCloseTo(a.length + b.length);
      }),
    );
  });
});

it('importance is a bar for each objective and decision, the greatest first', () => {
  const of = (objective: string, shares: Record<string, number>) => {
    const decisions = Object.entries(shares).map(([decision, share]) => ({ decision, share }));
    return { objective, fit: 0.8, decisions };
  };
  const objectives = [
    of('accuracy', { depth: 0.6, width: 0.1 }),
    of('latency_ms', { width: 0.7, depth: 0.2, kernel: 0.05 }),
  ];
  const option = importanceOption({ objectives, measures, theme, most: 2 });
  const texts = textsOf(option);
  expect(texts).toEqual(expect.arrayContaining(['width', 'depth', 'accuracy', 'latency']));
  expect(texts.indexOf('width')).toBeLessThan(texts.indexOf('depth'));
  expect(texts).not.toContain('kernel');
  expect(option.series.flatMap(({ data }) => data)).toEqual([0.1, 0.6, 0.7, 0.2]);
});

it('values by choice have a box for all values, and some marks', () => {
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
