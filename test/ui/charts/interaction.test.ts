import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frontierOption } from '../../../ui/charts/frontier.js';
import type { FrontierPoint } from '../../../ui/charts/frontier-series.js';
import { chartThemes } from '../../../ui/charts/theme.js';
import { changed, keyOf, named, scopeOf, walkOf } from '../../../ui/charts/interaction.js';

const member = (number: number, x: number, precision: 'fp32' | 'int8' = 'fp32'): FrontierPoint => ({
  key: { number, precision },
  series: 'frontier',
  x,
  y: 0.9 - 1 / (10 * x + 2),
  predicted: false,
  label: `#${number}`,
});

const optionOf = (points: readonly FrontierPoint[], y = 'accuracy') =>
  named(
    frontierOption({
      points,
      plane: { x: 'latency_ms', y },
      objectives: [],
      measures: { latency_ms: { title: 'latency', unit: 'ms' } },
      theme: chartThemes.dark,
      precisions: true,
      clouds: [
        {
          series: 'trial',
          precision: 'int8',
          predicted: false,
          xy: new Float64Array([1, 2, 3, 4]),
          keyAt: (row) => ({ number: 100 + row, precision: 'int8' }),
        },
      ],
    }),
  );

describe('the points of a chart', () => {
  const option = optionOf([member(3, 0.5), member(7, 0.1, 'int8'), member(1, 0.3)]);

  it('are walked along the frontier, across several series', () => {
    const steps = walkOf(option);
    expect(steps.map(({ key }) => (key as FrontierPoint['key']).number)).toEqual([7, 1, 3]);
    expect(steps[0].text).toContain('#7 in int8');
    expect(steps[0].text).toContain('latency: 0.1 ms');
    expect(walkOf(optionOf([]))).toEqual([]);
  });

  it('have keys by the id of their series, not by its index', () => {
    const cloud = option.series.find(({ keyAt }) => keyAt !== undefined);
    expect(keyOf(option, { seriesId: cloud?.id, seriesIndex: 99, dataIndex: 1 })).toEqual({
      number: 101,
      precision: 'int8',
    });
    expect(keyOf(option, { data: { key: 'own' }, seriesId: cloud?.id, dataIndex: 1 })).toBe('own');
    expect(keyOf(option, { seriesId: 'staircase', dataIndex: 0 })).toBeUndefined();
  });

  it('keep their view while the axes show the same measures', () => {
    expect(scopeOf(option)).toBe(scopeOf(optionOf([member(9, 0.2)])));
    expect(scopeOf(option)).not.toBe(scopeOf(optionOf([member(9, 0.2)], 'macs')));
  });

  it('belong to series with unique ids', () => {
    const ids = named({ series: [{ type: 'line' }, { type: 'line' }, { type: 'bar', name: 'a' }] }).series.map(
      ({ id }) => id,
    );
    expect(new Set(ids).size).toBe(3);
    expect(ids).not.toContain(undefined);
  });
});

it('a zoomed range stays inside the whole, and zooming in and out restores it', () => {
  const range = fc
    .tuple(fc.double({ min: 0, max: 99, noNaN: true }), fc.double({ min: 1, max: 100, noNaN: true }))
    .map(([start, width]) => ({ start, end: Math.min(100, start + width) }));
  fc.assert(
    fc.property(
      range,
      fc.double({ min: 0.1, max: 4, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      (part, factor, move) => {
        for (const { start, end } of [changed(part, { factor }), changed(part, { move })]) {
          expect(start).toBeGreaterThanOrEqual(-1e-9);
          expect(end).toBeLessThanOrEqual(100 + 1e-9);
          expect(end).toBeGreaterThan(start);
        }
      },
    ),
  );
  const back = changed(changed({ start: 20, end: 60 }, { factor: 0.5 }), { factor: 2 });
  expect(back.start).toBeCloseTo(20);
  expect(back.end).toBeCloseTo(60);
});
