import { products, type Genotype } from '../genotype.js';
import { cellEdges, cellOps, type Cell, type CellOp } from './nasbench201.js';

/** A sum, as the sorted terms that are added; nothing when it is zero. */
type Sum = readonly string[];

const apply = (op: CellOp, input: Sum): Sum => {
  if (op === 'none' || input.length === 0) return [];
  return op === 'skip_connect' ? input : [`${op}(${[...input].sort().join(' + ')})`];
};

/**
 * What a cell computes, as an expression of its input: the same for two cells exactly when they execute the same
 * operations on the same inputs, wherever these are written. Skips vanish, edges without effect too, and the order of
 * sums does not matter. `shared` marks the one operation whose result can be used twice (that of the edge between
 * nodes 0 and 1): using it twice is not the same as having two of its kind.
 */
function expressionOf(cell: Cell): string {
  const [op01, op02, op12, op03, op13, op23] = cell;
  const node1 = apply(op01, ['input']);
  const twice = op01 !== 'skip_connect' && [op12, op13, op23].every((op) => op !== 'none');
  const used1 = twice ? node1.map((term) => `shared ${term}`) : node1;
  const node2 = [...apply(op02, ['input']), ...apply(op12, used1)];
  return [...apply(op03, ['input']), ...apply(op13, used1), ...apply(op23, node2)].sort().join(' + ');
}

/** The cell that a genotype writes; its choices are in the order of `cellOps`. */
export const cellAt = (genotype: Genotype): Cell => genotype.map((op) => cellOps[op]);

/**
 * The cells of NAS-Bench-201 by what they compute: its 15,625 genotypes (choices in the order of `cellOps`) and, for
 * each, the lexicographically first that computes the same.
 */
export class CellForms {
  private readonly firsts = new Map<string, Genotype>();

  constructor() {
    for (const genotype of products(cellEdges.map(() => cellOps.length))) {
      const expression = expressionOf(cellAt(genotype));
      if (!this.firsts.has(expression)) this.firsts.set(expression, genotype);
    }
  }

  /** How many different cells there are. */
  get size(): number {
    return this.firsts.size;
  }

  canonical(genotype: Genotype): Genotype {
    const first = this.firsts.get(expressionOf(cellAt(genotype)));
    if (first === undefined) throw new Error(`genotype ${genotype.join('-')} is not of this space`);
    return first;
  }
}
