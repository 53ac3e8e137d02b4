import { describe, expect, it } from 'vitest';
import { boundsOf, reducedAxes, scopeOf, zerosAround, type OnnxNode, type OnnxGraph } from '../../../compiler/index.js';
import { graphFrom, integers, node, type ModelText, type NodeText } from '../support/onnx-models.js';

const one = (value: number) => [[], Float32Array.of(value)] as const;
const constants: NonNullable<ModelText['constants']> = {
  zero: one(0),
  six: one(6),
  most: one(3.4028234663852886e38),
  images: integers(3, -2),
  pads: integers(0, 0, 1, 2, 0, 0, 3, 4),
  channels: integers(0, 1, 1, 2, 0, 1, 3, 4),
};

/** What a reading finds in the node that computes y of x [N, 3, 8, 8] and z, which is computed. */
function found<T>(text: NodeText, read: (graph: OnnxGraph, node: OnnxNode) => T): T {
  const graph = graphFrom({ nodes: [node('Abs', 'x', 'z'), text], constants });
  const own = graph.nodes.at(-1);
  if (own === undefined) throw new Error('no node');
  return read(graph, own);
}

describe('the parameters of a node are the same in each spelling:', () => {
  it.each([
    ['Relu', node('Relu', 'x', 'y'), [0, Infinity]],
    ['inputs', node('Clip', 'x zero six', 'y'), [0, 6]],
    ['attributes', node('Clip', 'x', 'y', { min: { float: -1 }, max: { float: 6 } }), [-1, 6]],
    ['left out', node('Clip', 'x _ six', 'y'), [-Infinity, 6]],
    ['the largest float', node('Clip', 'x zero most', 'y'), [0, Infinity]],
    ['Max', node('Max', 'x zero', 'y'), [0, Infinity]],
    ['Min', node('Min', 'x six', 'y'), [-Infinity, 6]],
    ['computed', node('Clip', 'x z six', 'y'), undefined],
    ['no bounds', node('Abs', 'x', 'y'), undefined],
  ])('bounds: %s', (_, text, bounds) => {
    expect(found(text, (graph, own) => boundsOf(scopeOf(graph), own))).toEqual(bounds);
  });

  it.each([
    ['an input', node('ReduceMean', 'x images', 'y'), '2,3'],
    ['an attribute', node('ReduceMean', 'x', 'y', { axes: [-1, 2] }), '2,3'],
    ['left out', node('ReduceMean', 'x', 'y'), '0,1,2,3'],
    ['computed', node('ReduceMean', 'x z', 'y'), null],
  ])('axes: %s', (_, text, axes) => {
    expect(found(text, (graph, own) => reducedAxes(scopeOf(graph), own, 4))).toBe(axes);
  });

  it.each([
    ['an input', node('Pad', 'x pads zero', 'y'), [1, 2, 3, 4]],
    ['attributes', node('Pad', 'x', 'y', { pads: [0, 0, 1, 2, 0, 0, 3, 4], value: { float: 0 } }), [1, 2, 3, 4]],
    ['another value', node('Pad', 'x pads six', 'y'), undefined],
    ['channels', node('Pad', 'x channels', 'y'), undefined],
    ['reflected', node('Pad', 'x pads', 'y', { mode: 'reflect' }), undefined],
  ])('pads: %s', (_, text, pads) => {
    expect(found(text, (graph, own) => zerosAround(scopeOf(graph), own))).toEqual(pads);
  });
});
