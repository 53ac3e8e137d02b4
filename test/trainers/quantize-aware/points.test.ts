import { expect, test } from 'vitest';
import type { Network } from '../../../spaces/index.js';
import { pointsOf } from '../../../trainers/quantize-aware/rounding.js';
import { tinyStudent } from '../support/networks.js';

const network = (act: 'relu' | 'relu6' | 'swish' | 'hard_swish', se = 0): Network => ({
  kind: 'network',
  input: [8, 8, 3],
  classes: 10,
  stem: { filters: 8, kernel: 3, stride: 2, act },
  blocks: [{ kind: 'mbconv', filters: 8, kernel: 3, stride: 1, act, expand: 1, se }],
  head: { filters: 0, act, dropout: 0.2 },
});

const named = (made: Network): Record<string, number> =>
  Object.fromEntries(pointsOf(made).points.map(({ layer, floor }) => [layer, floor]));

test('where saturation is the activation, values have bytes after it alone, and batch norm is folded', () => {
  for (const act of ['relu', 'relu6'] as const)
    expect(named(network(act))).toEqual({
      input: -Infinity,
      stem_act: -Infinity,
      block1_depthwise_act: -Infinity,
      block1_project_bn: -Infinity,
      block1_add: -Infinity,
      head_pool: -Infinity,
      logits: -Infinity,
    });
});

test.each([
  ['hard_swish', -3],
  ['swish', -8],
] as const)('%s reads and gives bytes; values that it ignores are outside their range', (act, floor) => {
  const points = named(network(act));
  expect(points['stem_bn']).toBe(floor);
  expect(points['stem_act']).toBe(-Infinity);
  expect(points['block1_depthwise_bn']).toBe(floor);
  expect(points['stem']).toBeUndefined();
});

test('the gate of squeeze-excite has bytes, its input none', () => {
  const { points, gates } = pointsOf(network('relu', 0.25));
  const layers = points.map(({ layer }) => layer).filter((layer) => layer.includes('_se'));
  expect(gates.size).toBe(1);
  const [gate] = gates;
  expect(layers).not.toContain(gate);
  expect(layers).toContain('block1_se_pool');
  expect(layers).toContain('block1_se_scale');
});

test('sizes are for one image', () => {
  const { points } = pointsOf(tinyStudent({ size: 10 }));
  expect(points[0]).toEqual({ layer: 'input', size: 100, floor: -Infinity });
  expect(points.at(-1)).toEqual({ layer: 'logits', size: 10, floor: -Infinity });
});
