import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellEdges, cellFeatures, cellOps, cellReader, liveEdges, type Cell } from '../../../spaces/index.js';

const cells: fc.Arbitrary<Cell> = fc.array(fc.constantFrom(...cellOps), { minLength: 6, maxLength: 6 });

const nodes = cellEdges.map((name) => [Number(name[3]), Number(name[4])] as const);

/** Whether a node can be reached from another without a `none`, by walking the graph node by node. */
const reaches = (cell: Cell, from: number, to: number): boolean =>
  from === to || nodes.some(([a, b], i) => cell[i] !== 'none' && a === from && reaches(cell, b, to));

describe('a cell of NAS-Bench-201', () => {
  it('executes the edges on a path from the input to the output', () => {
    fc.assert(
      fc.property(cells, (cell) => {
        const read = nodes.map(([, to]) => reaches(cell, to, 3));
        expect(liveEdges(cell)).toEqual(
          nodes.map(([from], edge) => read[edge] && cell[edge] !== 'none' && reaches(cell, 0, from)),
        );
      }),
    );
  });

  it('has a fixed number of finite features of the executed edges', () => {
    const length = cellFeatures(cellEdges.map(() => 'none')).length;
    fc.assert(
      fc.property(cells, (cell) => {
        const live = liveEdges(cell);
        const features = cellFeatures(cell);
        expect(features).toHaveLength(length);
        expect(features.every(Number.isFinite)).toBe(true);
        expect(cellFeatures(cell.map((op, edge) => (live[edge] ? op : 'none')))).toEqual(features);
      }),
    );
  });

  it('is read from the decisions of a cell in any order, and from no others', () => {
    const decisions = [...cellEdges].reverse().map((name) => ({ name, choices: [...cellOps].reverse() }));
    expect(cellReader(decisions)?.([0, 1, 2, 3, 4, 4])).toEqual([
      'none',
      'none',
      'skip_connect',
      'nor_conv_1x1',
      'nor_conv_3x3',
      'avg_pool_3x3',
    ]);
    expect(cellReader(decisions.slice(1))).toBeUndefined();
    expect(cellReader(decisions.map((one) => ({ ...one, name: `x${one.name}` })))).toBeUndefined();
    expect(cellReader(decisions.map((one) => ({ ...one, choices: [1, 2] })))).toBeUndefined();
  });
});
