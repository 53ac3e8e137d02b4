import { z } from 'zod';
import { CellForms, cellAt } from '../cells/canonical.js';
import { cellEdges, cellOps, type Cell } from '../cells/nasbench201.js';
import { structureOf } from '../features.js';
import type { Decision } from '../genotype.js';
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
export type NasBench201Config = z.output<typeof nasBench201Schema>;

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
 * NAS-Bench-201 with the decisions of its published tables: `op_ij` is the operation on the edge from node i to node j,
 * where node 0 is the cell's input and node 3 its output.
 *
 * Genotypes that execute the same operations on the same inputs are one network: what is on dead edges does not matter,
 * nor where a skip is. Its canonical genotype is the first of them.
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
