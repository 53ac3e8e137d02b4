import { meanOrZero } from '../base/statistics.js';
import type { Decision, Genotype } from './genotype.js';

/** Operations on the edges of a NAS-Bench-201 cell (Dong & Yang 2020). */
export const cellOps = ['none', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3', 'avg_pool_3x3'] as const;
export type CellOp = (typeof cellOps)[number];

/** The six edges of a cell, by the names of their decisions: node 0 is the input, node 3 the output. */
export const cellEdges = ['op_01', 'op_02', 'op_12', 'op_03', 'op_13', 'op_23'] as const;

/** One operation an edge, in the order of `cellEdges`. */
export type Cell = readonly CellOp[];

/** The paths from the input to the output, as positions in `cellEdges`. */
const paths: readonly (readonly number[])[] = [[3], [0, 4], [1, 5], [0, 2, 5]];

/** The paths of a cell that carry data: no edge is `none`. */
const livePaths = (cell: Cell): (readonly number[])[] =>
  paths.filter((path) => path.every((edge) => cell[edge] !== 'none'));

/** Which edges of a cell are executed: all edges on a live path. The other edges do not affect the output. */
export function liveEdges(cell: Cell): readonly boolean[] {
  const live = cellEdges.map(() => false);
  for (const path of livePaths(cell)) for (const edge of path) live[edge] = true;
  return live;
}

const count = (cell: Cell, edges: readonly number[], ...ops: readonly CellOp[]): number =>
  edges.filter((edge) => ops.includes(cell[edge])).length;

const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
const least = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => Math.min(a, b), Infinity);

/**
 * Numbers that describe the executed part of a cell: the count of each operation, the number of paths, of identity paths
 * and of paths with a convolution, and the most, fewest and mean convolutions and poolings on a path.
 */
export function cellFeatures(cell: Cell): number[] {
  const live = livePaths(cell);
  const edges = [...new Set(live.flat())];
  const along = (...ops: readonly CellOp[]): number[] => live.map((path) => count(cell, path, ...ops));
  const conv = along('nor_conv_1x1', 'nor_conv_3x3');
  const conv3 = along('nor_conv_3x3');
  const pool = along('avg_pool_3x3');
  const skip = along('skip_connect');
  return [
    ...cellOps.slice(1).map((op) => count(cell, edges, op)),
    live.length,
    most(live.map(() => 1)),
    live.filter((path, i) => skip[i] === path.length).length,
    conv.filter((n) => n > 0).length,
    most(conv.map((n) => Math.min(1, n))),
    ...[conv, conv3].flatMap((each) => [most(each), meanOrZero(each)]),
    least(conv),
    ...[most(pool), least(pool), meanOrZero(pool)],
  ];
}

const isOp = (choice: unknown): choice is CellOp => cellOps.some((op) => op === choice);

/** Reads genotypes as cells when the decisions describe a cell, in any order; otherwise undefined. */
export function cellReader(decisions: readonly Decision[]): ((genotype: Genotype) => Cell) | undefined {
  const edges = cellEdges.flatMap((name) => {
    const decision = decisions.findIndex((one) => one.name === name);
    const ops = decisions[decision]?.choices.filter(isOp) ?? [];
    return decision >= 0 && ops.length === decisions[decision].choices.length ? [{ decision, ops }] : [];
  });
  if (decisions.length !== cellEdges.length || edges.length !== cellEdges.length) return undefined;
  return (genotype) => edges.map(({ decision, ops }) => ops[genotype[decision]]);
}

/** A cell as NAS-Bench-201's authors write it: `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`, node by node. */
export function cellNotation(cell: Cell): string {
  const node = (from: number, to: number): string =>
    cell
      .slice(from, to)
      .map((op, i) => `${op}~${i}`)
      .join('|');
  return `|${node(0, 1)}|+|${node(1, 3)}|+|${node(3, 6)}|`;
}

/** Properties of the executed network that follow from the decisions alone; see `DecisionSpace`. */
interface Structure {
  readonly features?: (genotype: Genotype) => readonly number[];
  readonly active?: (genotype: Genotype) => readonly boolean[];
}

/** The structure of a space whose decisions are known by name and choices: the cells of NAS-Bench-201. */
export function structureOf(decisions: readonly Decision[]): Structure {
  const read = cellReader(decisions);
  if (read === undefined) return {};
  const edgeOf = decisions.map(({ name }) => cellEdges.findIndex((edge) => edge === name));
  return {
    features: (genotype) => cellFeatures(read(genotype)),
    active: (genotype) => {
      const live = liveEdges(read(genotype));
      return edgeOf.map((edge) => live[edge]);
    },
  };
}
