import { z } from 'zod';
import { type Cell, cellEdges, type CellOp, cellOps, structureOf } from '../cells.js';
import { type Decision, type Genotype, products } from '../genotype.js';
import type { Block, Network } from '../network.js';
import type { Space, Task } from '../space.js';

/** `space: {type: nas-bench-201}`: the 15,625 cells of NAS-Bench-201 (Dong & Yang 2020) in their macro skeleton. */
export const nasBench201Schema = z
  .strictObject({
    type: z.literal('nas-bench-201'),
    filters: z
      .number()
      .int()
      .min(1)
      .max(512)
      .optional()
      .describe('channels of the first stage; each further stage has twice as many; by default 16'),
    cells: z.number().int().min(1).max(32).optional().describe('cells of each of the three stages; by default 5'),
  })
  .describe('the cells of NAS-Bench-201 (Dong & Yang 2020): six edges with one of five operations each');
type NasBench201Config = z.output<typeof nasBench201Schema>;

const published = { filters: 16, cells: 5 } as const;
const stages = 3;

const decisions: readonly Decision[] = cellEdges.map((name) => ({ name, choices: cellOps }));

function networkOf(
  cell: Cell,
  { filters = published.filters, cells = published.cells }: NasBench201Config,
  task: Task,
) {
  const blocks = Array.from({ length: stages }, (_, stage): readonly Block[] => [
    ...(stage === 0 ? [] : [{ kind: 'reduction', filters: filters * 2 ** stage } as const]),
    ...Array.from({ length: cells }, () => ({ kind: 'cell', cell }) as const),
  ]).flat();
  return {
    kind: 'network',
    input: task.input,
    classes: task.classes,
    stem: { filters, kernel: 3, stride: 1, act: null },
    blocks,
    head: { filters: 0, act: 'relu', norm: true, dropout: 0 },
  } as const satisfies Network;
}

/**
 * NAS-Bench-201 with the decisions of its published tables: `op_ij` is the operation on the edge from node i to node j;
 * node 0 is the cell's input, node 3 its output. Genotypes that execute the same operations on the same inputs are one
 * network: dead edges and the position of skips do not matter. The canonical genotype is the first of them.
 */
export function nasBench201Space(config: NasBench201Config, task: Task): Space {
  const forms = new CellForms();
  const { features, active } = structureOf(decisions);
  return {
    name: 'nas-bench-201',
    decisions,
    canonical: (genotype) => forms.canonical(genotype),
    build: (genotype) => networkOf(cellAt(forms.canonical(genotype)), config, task),
    count: () => BigInt(forms.size),
    ...(features === undefined ? {} : { features: (genotype) => features(forms.canonical(genotype)) }),
    ...(active === undefined ? {} : { active }),
  };
}

/** The sorted terms of a sum; empty for zero. */
type Sum = readonly string[];

const apply = (op: CellOp, input: Sum): Sum => {
  if (op === 'none' || input.length === 0) return [];
  return op === 'skip_connect' ? input : [`${op}(${[...input].sort().join(' + ')})`];
};

/**
 * What a cell computes, as an expression of its input: equal for two cells exactly when they execute the same operations
 * on the same inputs. Skips and dead edges vanish; the order of a sum does not matter. `shared` marks the operation
 * between nodes 0 and 1 when its result is used twice, which differs from two operations of the same kind.
 */
function expressionOf(cell: Cell): string {
  const [op01, op02, op12, op03, op13, op23] = cell;
  const node1 = apply(op01, ['input']);
  const twice = op01 !== 'skip_connect' && [op12, op13, op23].every((op) => op !== 'none');
  const used1 = twice ? node1.map((term) => `shared ${term}`) : node1;
  const node2 = [...apply(op02, ['input']), ...apply(op12, used1)];
  return [...apply(op03, ['input']), ...apply(op13, used1), ...apply(op23, node2)].sort().join(' + ');
}

/** The cell of a genotype whose choices are in the order of `cellOps`. */
const cellAt = (genotype: Genotype): Cell => genotype.map((op) => cellOps[op]);

/** The 15,625 genotypes of NAS-Bench-201 (choices in the order of `cellOps`), grouped by what they compute. */
class CellForms {
  private readonly firsts = new Map<string, Genotype>();

  constructor() {
    for (const genotype of products(cellEdges.map(() => cellOps.length))) {
      const expression = expressionOf(cellAt(genotype));
      if (!this.firsts.has(expression)) this.firsts.set(expression, genotype);
    }
  }

  /** The number of different cells. */
  get size(): number {
    return this.firsts.size;
  }

  canonical(genotype: Genotype): Genotype {
    const first = this.firsts.get(expressionOf(cellAt(genotype)));
    if (first === undefined) throw new Error(`genotype ${genotype.join('-')} is not of this space`);
    return first;
  }
}
