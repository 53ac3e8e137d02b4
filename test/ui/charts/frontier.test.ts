import { describe, expect, it } from 'vitest';
import { frontierOption } from '../../../ui/charts/frontier.js';
import type { FrontierInput, FrontierPoint, PointCloud } from '../../../ui/charts/frontier-series.js';
import { chartThemes } from '../../../ui/charts/theme.js';
import { skyline } from '../../../ui/charts/points.js';
import { renderSvg } from '../../../ui/charts/svg.js';

const at = (number: number, x: number, y: number, more: Partial<FrontierPoint> = {}): FrontierPoint => ({
  key: { number, precision: 'fp32' },
  series: 'frontier',
  x,
  y,
  predicted: false,
  label: `#${number}`,
  ...more,
});

const input = (points: readonly FrontierPoint[], more: Partial<FrontierInput> = {}): FrontierInput => ({
  points,
  plane: { x: 'latency_ms', y: 'accuracy' },
  objectives: [
    { name: 'accuracy', direction: 'maximize' },
    { name: 'latency_ms', direction: 'minimize' },
  ],
  measures: { accuracy: { title: 'accuracy', unit: 'share' }, latency_ms: { title: 'latency', unit: 'ms' } },
  theme: chartThemes.light,
  precisions: false,
  title: 'Accuracy against latency',
  ...more,
});

const size = { width: 860, height: 560 };
const members = [at(3, 0.1, 0.8, { intervals: { x: [0.09, 0.12] } }), at(7, 0.2, 0.85), at(1, 0.4, 0.9)];
const svgOf = (points: readonly FrontierPoint[], more?: Partial<FrontierInput>): string =>
  renderSvg(frontierOption(input(points, more)), size);

const cloud = (count: number, more: Partial<PointCloud> = {}): PointCloud => ({
  series: 'trial',
  precision: 'fp32',
  predicted: false,
  xy: Float64Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? 0.1 + i / 1e5 : 0.5 + (i % 40) / 100)),
  keyAt: (row) => ({ number: row, precision: 'fp32' }),
  ...more,
});

describe('the chart of a frontier', () => {
  it('is deterministic, and shares no ids with other charts', () => {
    const [first, other] = [svgOf(members), svgOf(members.slice(1))];
    expect(svgOf(members)).toBe(first);
    const names = (svg: string): string[] => [...svg.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(names(first).length).toBeGreaterThan(0);
    for (const id of names(first)) {
      expect(first).toContain(`url(#${id})`);
      expect(names(other)).not.toContain(id);
    }
    expect(first).not.toMatch(/<style| style=| class=|ecmeta/);
  });

  it('has labels that do not cover each other', () => {
    // Both labels of the pair would lie best to the left, above it.
    const svg = svgOf([at(3, 0.1, 0.7), at(4, 0.3, 0.8), at(5, 0.301, 0.801)]);
    const [four, five] = ['#4', '#5'].map((label) =>
      new RegExp(`translate\\(([\\d.]+) ([\\d.]+)\\)"[^>]*>${label}<`).exec(svg)?.slice(1).map(Number),
    );
    const [dx, dy] = [0, 1].map((axis) => Math.abs((four?.[axis] ?? NaN) - (five?.[axis] ?? NaN)));
    expect(dx > 13 || dy > 11).toBe(true);
  });

  it.each([0.0085, 0.009, 0.0095, 0.01, 0.0105, 0.011])('has labels that touch no mark beside them: at %f', (aside) => {
    const svg = svgOf([at(6, 0.3, 0.8), at(9, 0.3 - aside, 0.807), at(3, 0.1, 0.7), at(1, 0.4, 0.9)]);
    const found = (pattern: RegExp) => [...svg.matchAll(pattern)].map(([, x, y]) => [Number(x), Number(y)] as const);
    const marks = found(/matrix\(5,0,0,5,([\d.]+),([\d.]+)\)/g);
    const labels = found(/translate\(([\d.]+) ([\d.]+)\)"[^>]*>#\d</g);
    expect([marks.length, labels.length]).toEqual([4, 4]);
    // A label of two letters is 13 px wide and 11 px high from here; a mark has a radius of 5 px.
    for (const [left, top] of labels)
      for (const [x, y] of marks) {
        const [dx, dy] = [Math.max(left - x, 0, x - left - 13), Math.max(top - y, 0, y - top - 7)];
        expect(Math.hypot(dx, dy)).toBeGreaterThan(6);
      }
  });

  it('has room for the texts of its legend in a wide font', () => {
    const svg = svgOf([...members, at(3, 0.1, 0.85, { series: 'final' }), at(5, 0.35, 0.87, { predicted: true })]);
    const texts = [...svg.matchAll(/translate\(([\d.]+) [\d.]+\)"[^>]*>([^<]{9,})<\/text>/g)];
    const legend = texts
      .filter(([, , text]) => /final|search|predicted/.test(text))
      .map(([, x, text]) => ({ x: Number(x), text }));
    expect(legend).toHaveLength(3);
    for (const [i, { x }] of legend.entries())
      if (i > 0) expect(x - legend[i - 1].x).toBeGreaterThan(19 + 6.1 * legend[i - 1].text.length);
  });

  it('names only present series in its legend', () => {
    const plain = svgOf(members);
    expect(plain).toContain('aria-label="Accuracy against latency"');
    expect(plain).toContain('>frontier, in the search</text>');
    for (const absent of ['stopped early', 'after the final training', 'enqueued', 'predicted', 'int8'])
      expect(plain).not.toContain(absent);
    const full = svgOf([
      ...members,
      at(3, 0.1, 0.83, { series: 'final', from: 0.8 }),
      at(9, 0.3, 0.7, { series: 'stopped' }),
      at(9, 0.3, 0.7, { series: 'enqueued', label: 'mine' }),
      at(5, 0.5, 0.8, { series: 'trial', predicted: true }),
    ]);
    for (const present of ['stopped early', 'after the final training', 'enqueued', 'hollow: latency predicted'])
      expect(full).toContain(`>${present}</text>`);
    expect(full).toContain('>mine</text>');
  });

  it('distinguishes precisions in a run with several', () => {
    const both = [...members, at(4, 0.05, 0.79, { key: { number: 4, precision: 'int8' } })];
    expect(svgOf(both, { precisions: true })).toContain('>frontier, in the search: int8</text>');
    expect(svgOf(both)).not.toContain('int8');
  });

  it('shows constraints on its axes', () => {
    const bounded = input(members).objectives.map((goal) =>
      goal.name === 'latency_ms' ? { ...goal, constraint: { max: 0.3 } } : goal,
    );
    expect(svgOf(members, { objectives: bounded })).toContain('>max 0.3 ms</text>');
  });

  it('escapes names from users', () => {
    const svg = svgOf([...members, at(9, 0.3, 0.7, { series: 'enqueued', label: '</text><script>{a|b}"' })]);
    expect(svg).not.toContain('<script>');
    expect(svg).toContain('&lt;/text&gt;&lt;script&gt;');
  });

  it('has a logarithmic axis where values span more than a factor of 30, or on request', () => {
    const wide = [...members, at(8, 5, 0.95)];
    const typeOf = (option: ReturnType<typeof frontierOption>): unknown =>
      (option.xAxis as { type?: unknown } | undefined)?.type;
    expect(typeOf(frontierOption(input(members)))).toBe('value');
    expect(typeOf(frontierOption(input(wide)))).toBe('log');
    expect(typeOf(frontierOption(input(wide, { log: { x: false } })))).toBe('value');
    expect(typeOf(frontierOption(input([...wide, at(2, 0, 0.1)], { log: { x: true } })))).toBe('value');
    const columns = cloud(2, { xy: new Float64Array([0.1, 0.5, 9, 0.6]) });
    expect(typeOf(frontierOption(input([], { clouds: [columns] })))).toBe('log');
    for (const tick of ['0.1', '0.2', '0.5', '1', '2', '5']) expect(svgOf(wide)).toContain(`>${tick}</text>`);
  });

  it('is drawn over trial numbers with one objective, and without any point', () => {
    const alone = {
      plane: { x: null, y: 'accuracy' },
      objectives: [{ name: 'accuracy', direction: 'maximize' }],
    } as const;
    expect(svgOf(members, alone)).toContain('>trial</text>');
    expect(svgOf([])).toContain('latency [ms]');
  });

  it('has the keys of its marks, also of those in typed arrays', () => {
    const { series } = frontierOption(input(members, { clouds: [cloud(1000)] }));
    const background = series.find(({ keyAt }) => keyAt !== undefined);
    expect(background?.keyAt?.(12)).toEqual({ number: 12, precision: 'fp32' });
    const frontier = series.find(({ name }) => name === 'frontier, in the search');
    expect(frontier?.data).toMatchObject(members.map(({ key }) => ({ key })));
  });

  it('has tooltips', () => {
    const option = frontierOption(input(members, { clouds: [cloud(1000, { predicted: true })] }));
    const { formatter } = option.tooltip as { formatter: (at: unknown) => string };
    const seriesId = option.series.find(({ keyAt }) => keyAt !== undefined)?.id;
    expect(formatter({ seriesId, dataIndex: 3, data: undefined })).toBe(
      '#3\naccuracy: 57.00 %\nlatency: 0.1 ms (predicted)',
    );
    expect(formatter({ seriesIndex: 0, dataIndex: 0, data: { point: members[1] } })).toBe(
      '#7\naccuracy: 85.00 %\nlatency: 0.2 ms',
    );
  });
});

it('a staircase has the points that no other dominates', () => {
  const behind = at(5, 0.3, 0.82);
  expect(skyline([...members, behind], 'minimize', 'maximize')).toEqual(members);
  expect(skyline([at(1, 1, 1), at(2, 2, 2), at(3, 1, 2)], 'maximize', 'minimize').map(({ key }) => key.number)).toEqual(
    [1, 2],
  );
});
