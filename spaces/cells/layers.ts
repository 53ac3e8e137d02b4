import type { LayerList } from '../layer-list.js';
import { cellEdges, liveEdges, type Cell, type CellOp } from './nasbench201.js';

/** An edge of a cell that is being built: from a value that is in the list already. */
interface EdgeSource {
  readonly list: LayerList;
  /** Of the edge's layers. */
  readonly name: string;
  readonly value: number;
  /** The value's ReLU, which all convolutions that start from it share. */
  readonly relu: () => number;
}

const convolution =
  (kernel: number) =>
  ({ list, name, value, relu }: EdgeSource): number =>
    list.conv(name, relu(), list.shape(value)[2], kernel, 1, null);

/** Adds the layers of an operation. */
const rules: { readonly [Op in Exclude<CellOp, 'none'>]: (edge: EdgeSource) => number } = {
  skip_connect: ({ value }) => value,
  nor_conv_1x1: convolution(1),
  nor_conv_3x3: convolution(3),
  avg_pool_3x3: ({ list, name, value }) => list.avgPool(name, value, 3, 1),
};

/** The nodes that the edges join, in the order of `cellEdges`. */
const ends = cellEdges.map((name) => ({ from: Number(name[3]), to: Number(name[4]) }));

/**
 * Adds the layers of a cell that are executed: `name_op_01`, ...; sums of a node's edges are `name_node3_add`, ... When
 * nothing reaches the output, it is a map of zeros.
 */
export function cellLayers(list: LayerList, name: string, x: number, cell: Cell): number {
  const live = liveEdges(cell);
  const relus = new Map<number, number>();
  const reluOf = (node: number, value: number) => (): number => {
    const relu = relus.get(value) ?? list.preRelu(`${name}_node${node}_relu`, value);
    relus.set(value, relu);
    return relu;
  };
  const nodes = new Map([[0, x]]);
  for (const to of [1, 2, 3]) {
    const terms = cellEdges.flatMap((edge, i) => {
      const op = cell[i];
      const value = nodes.get(ends[i].from);
      if (!live[i] || ends[i].to !== to || op === 'none' || value === undefined) return [];
      return [rules[op]({ list, name: `${name}_${edge}`, value, relu: reluOf(ends[i].from, value) })];
    });
    if (terms.length > 0) nodes.set(to, list.sum(`${name}_node${to}_add`, terms));
  }
  return nodes.get(3) ?? list.same('zero', `${name}_zero`, [x], {});
}
