import { describe, expect, it } from 'vitest';
import { observedBy, planOf, type Plan } from '../../../deploy/quantize/plan.js';
import {
  graphFrom,
  integers,
  node,
  ones,
  scalar,
  type ModelText,
  type NodeText,
} from '../../compiler/support/onnx-models.js';

const constants: NonNullable<ModelText['constants']> = {
  w: ones(4, 3, 1, 1),
  v: ones(4, 4, 1, 1),
  b: ones(4),
  dense: ones(4, 5),
  rows: ones(5, 4),
  five: ones(5),
  flat: integers(0, -1),
  half: integers(2, 2),
  zero: scalar(0),
  one: scalar(1),
  six: scalar(6),
  minus: scalar(-1),
  channels: ones(4, 1, 1),
};

/** The plan of a graph: a convolution that computes `c` from the images, then these nodes. */
function planned(...nodes: readonly NodeText[]): Plan {
  return planOf(
    graphFrom({ constants, nodes: [node('Conv', 'x w b', 'c'), ...nodes], output: nodes.at(-1)?.output[0] ?? 'c' }),
  );
}
const treated = (plan: Plan): Readonly<Record<string, string>> => Object.fromEntries(plan.treatments);
const relative = { alpha: { float: 1 / 6 }, beta: { float: 0.5 } };

describe('the treatment of an operator', () => {
  it('is `products` for convolutions and matrix products with constant weights', () => {
    const plan = planned(
      node('GlobalAveragePool', 'c', 'p'),
      node('Reshape', 'p flat', 'r'),
      node('MatMul', 'r dense', 'y'),
    );
    expect(treated(plan)).toEqual({ c: 'products', p: 'bytes', r: 'moved', y: 'products' });
    expect(plan.floats).toEqual([]);
    expect([...plan.scales.keys()]).toEqual(['x', 'c', 'p', 'r', 'y']);
    // Reshaping keeps the bytes of the means.
    expect(plan.scales.get('r')).toBe(plan.scales.get('p'));
    expect(observedBy(plan)).toEqual(['x', 'c', 'p', 'y']);
  });

  it.each([
    ['AveragePool', node('AveragePool', 'c', 'y', { kernel_shape: [2, 2] })],
    ['Sigmoid', node('Sigmoid', 'c', 'y')],
    ['LeakyRelu', node('LeakyRelu', 'c', 'y')],
    ['Concat', node('Concat', 'c c', 'y', { axis: 1 })],
    ['Add of two', node('Add', 'c c', 'y')],
    ['Mul of two', node('Mul', 'c c', 'y')],
    ['Add of a number', node('Add', 'c one', 'y')],
    ['Mul of a number', node('Mul', 'six c', 'y')],
  ])('is `bytes` with its own scale for %s', (_, one) => {
    const plan = planned(one);
    expect(treated(plan)).toEqual({ c: 'products', y: 'bytes' });
    expect(plan.scales.get('y')).not.toBe(plan.scales.get('c'));
    expect(plan.floats).toEqual([]);
  });

  it.each([
    ['MaxPool', node('MaxPool', 'c', 'y', { kernel_shape: [2, 2] })],
    ['Reshape', node('Reshape', 'c flat', 'y')],
    ['Flatten', node('Flatten', 'c', 'y')],
    ['Transpose', node('Transpose', 'c', 'y', { perm: [0, 2, 3, 1] })],
    ['Slice', node('Slice', 'c zeros ends', 'y')],
    ['Split', node('Split', 'c half', 'y z', { axis: 1 })],
  ])('is `moved` with the same scale for %s', (_, one) => {
    const plan = planned(one);
    expect(treated(plan)).toEqual({ c: 'products', y: 'moved' });
    for (const output of one.output) expect(plan.scales.get(output)).toBe(plan.scales.get('c'));
    expect(observedBy(plan)).toEqual(['x', 'c']);
  });

  it.each([
    ['computed weights', node('Conv', 'c q', 'y'), 'its weights are not float32 constants'],
    ['products of activations', node('MatMul', 'c c', 'y'), 'its weights are not float32 constants'],
    [
      'constants by channel',
      node('Mul', 'c channels', 'y'),
      'its constants differ by channel, and bytes have one scale',
    ],
    ['probabilities', node('Softmax', 'c', 'y'), 'probabilities need finer steps than a byte has'],
    ['other functions', node('Tanh', 'c', 'y'), 'there is no integer kernel for it'],
    ['indices of a pool', node('MaxPool', 'c', 'y i', { kernel_shape: [2, 2] }), 'it also returns indices'],
    ['bounds without zero', node('Clip', 'c one six', 'y'), 'zero is outside its bounds'],
    ['computed bounds', node('Clip', 'c q', 'y'), 'its bounds are not constant'],
  ])('is float for %s, and the plan says why', (_, one, reason) => {
    const plan = planned(one);
    expect(plan.floats).toEqual([{ operator: one.op, node: 'the y', reason }]);
    expect(treated(plan)).toEqual({ c: 'products' });
  });

  it('is float for an operator of another domain, and for a float input', () => {
    const foreign: NodeText = { ...node('Relu', 'c', 'f'), domain: 'com.example' };
    const plan = planned(foreign, node('Add', 'f f', 'y'));
    expect(plan.floats).toEqual([
      { operator: 'Relu', node: 'the f', reason: 'there is no integer kernel for it' },
      { operator: 'Add', node: 'the y', reason: 'its input is float' },
    ]);
  });

  it('is none for operators that only move floats, such as the images', () => {
    const plan = planOf(
      graphFrom({
        constants,
        input: ['N', 8, 8, 3],
        nodes: [node('Transpose', 'x', 't', { perm: [0, 3, 1, 2] }), node('Conv', 't w', 'y')],
      }),
    );
    expect(plan.floats).toEqual([]);
    expect([...plan.scales.keys()]).toEqual(['t', 'y']);
  });
});

describe('scores', () => {
  const scored = (attributes: NonNullable<NodeText['attributes']>, ...after: readonly NodeText[]) =>
    planned(
      node('GlobalAveragePool', 'c', 'p'),
      node('Flatten', 'p', 'f'),
      node('Gemm', 'f rows five', 'y', attributes),
      ...after,
    );

  it('are integer sums in float', () => {
    const plan = scored({ transB: 1 });
    expect(treated(plan)).toMatchObject({ f: 'moved', y: 'scores' });
    expect(plan.scales.has('y')).toBe(false);
    expect(plan.floats).toEqual([]);
  });

  it('are floats before the softmax that reads them', () => {
    const plan = scored({ transB: 1 }, node('Softmax', 'y', 'z'));
    expect(treated(plan)).toMatchObject({ f: 'moved', y: 'scores' });
    expect(plan.scales.has('y')).toBe(false);
    expect(plan.floats.map(({ operator }) => operator)).toEqual(['Softmax']);
  });

  it('are float products if weights have another layout, or if other operators read them', () => {
    for (const plan of [
      scored({}),
      scored({ transB: 1, alpha: { float: 2 } }),
      scored({ transB: 1 }, node('Tanh', 'y', 'z')),
    ])
      expect(plan.floats[0]).toEqual({ operator: 'Gemm', node: 'the y', reason: 'there is no integer kernel for it' });
  });
});

describe('clipping', () => {
  it('is saturation of the operator that computes its input', () => {
    const plan = planned(node('Relu', 'c', 'y'));
    expect(treated(plan)).toEqual({ c: 'products', y: 'saturated' });
    expect([...plan.aliases]).toEqual([['y', 'c']]);
    expect(plan.scales.get('c')).toEqual({ kind: 'observed', tensor: 'y', within: [0, Infinity] });
    expect(plan.scales.has('y')).toBe(false);
  });

  it('ends at its bounds', () => {
    expect(planned(node('Clip', 'c zero six', 'y')).scales.get('c')).toEqual({
      kind: 'observed',
      tensor: 'y',
      within: [0, 6],
    });
    expect(planned(node('Clip', 'c minus', 'y')).scales.get('c')).toMatchObject({ within: [-1, Infinity] });
    expect(planned(node('Clip', 'c _ six', 'y')).scales.get('c')).toMatchObject({ within: [-Infinity, 6] });
  });

  it('is saturation also across moved bytes', () => {
    const plan = planned(node('MaxPool', 'c', 'm', { kernel_shape: [2, 2] }), node('Relu', 'm', 'y'));
    expect(plan.scales.get('c')).toEqual({ kind: 'observed', tensor: 'y', within: [0, Infinity] });
    expect(plan.scales.get('m')).toBe(plan.scales.get('c'));
    expect([...plan.aliases]).toEqual([['y', 'm']]);
  });

  it('is a table if its input has other readers, or if another node already uses the saturation', () => {
    const both = planned(node('Relu', 'c', 'r'), node('Add', 'c r', 'y'));
    expect(treated(both)).toEqual({ c: 'products', r: 'looked-up', y: 'bytes' });
    expect(both.scales.get('r')).toEqual({ kind: 'observed', tensor: 'r', within: [0, Infinity] });
    const twice = planned(node('Relu', 'c', 'r'), node('Clip', 'r zero six', 'y'));
    expect(treated(twice)).toEqual({ c: 'products', r: 'saturated', y: 'looked-up' });
  });
});

describe('gates', () => {
  it('are the saturated bytes of a convolution without other readers', () => {
    const plan = planned(node('HardSigmoid', 'c', 'g', relative), node('Mul', 'g g', 'y'));
    expect(treated(plan)).toEqual({ c: 'products', g: 'saturated', y: 'bytes' });
    expect(plan.scales.get('c')).toEqual({ kind: 'gate', alpha: Math.fround(1 / 6), beta: 0.5 });
    expect(observedBy(plan)).toEqual(['x', 'y']);
  });

  it('of hard swish are a table, and its argument ends where the gate is zero', () => {
    const plan = planned(node('HardSigmoid', 'c', 'g', relative), node('Mul', 'c g', 'y'));
    expect(treated(plan)).toEqual({ c: 'products', g: 'looked-up', y: 'bytes' });
    const scale = plan.scales.get('c');
    expect(scale?.kind === 'observed' ? scale.within[0] : null).toBeCloseTo(-3, 6);
    expect(plan.scales.get('g')?.kind).toBe('gate');
  });

  it('of swish are bytes, and its argument ends at -8', () => {
    const plan = planned(node('Sigmoid', 'c', 'g'), node('Mul', 'g c', 'y'));
    expect(treated(plan)).toEqual({ c: 'products', g: 'bytes', y: 'bytes' });
    expect(plan.scales.get('c')).toEqual({ kind: 'observed', tensor: 'c', within: [-8, Infinity] });
  });

  it('keep the full range of the argument if it has other readers', () => {
    const plan = planned(node('Sigmoid', 'c', 'g'), node('Mul', 'g c', 's'), node('Add', 's c', 'y'));
    expect(plan.scales.get('c')).toEqual({ kind: 'observed', tensor: 'c', within: [-Infinity, Infinity] });
  });
});
