import { cellOps, readEdges, type Cell, type Network } from '../../spaces/index.js';
import type { Column, Term } from './layer-features.js';

/**
 * Which operations of a cell a runtime executes: the `live` ones, which are layers of the network; all that are `written`,
 * as frameworks without a graph compiler do; or those whose result is `read`, be it of zeros.
 */
export type Execution = 'live' | 'written' | 'read';

const executedEdges: { readonly [E in Exclude<Execution, 'live'>]: (cell: Cell) => readonly boolean[] } = {
  written: (cell) => cell.map(() => true),
  read: readEdges,
};
const executions = ['written', 'read'] as const;

/** Whether a column counts operations of cells, by one of these executions. */
export const isDeclared = (column: Column, among: readonly Execution[] = executions): boolean =>
  among.some((execution) => column.startsWith(`${execution}_`));

/** Fewer samples than this say nothing about overlaps, single layers and executions. */
export const fewForDetails = 8;

/**
 * How a device may execute cells, and how likely that is: most tables were taken with frameworks that run them as they
 * are written.
 * @param declared whether they may be executed beyond their live layers.
 */
export function likelyExecutions(
  samples: number,
  declared: boolean,
): readonly { readonly execution: Execution; readonly probability: number }[] {
  if (!declared) return [{ execution: 'live', probability: 1 }];
  if (samples < fewForDetails) return [{ execution: 'written', probability: 1 }];
  return [
    { execution: 'written', probability: 0.8 },
    { execution: 'read', probability: 0.2 },
  ];
}

/** Operations of cells that runtimes execute, by execution: published tables were often taken without a graph compiler. */
export function declaredTerms({ blocks }: Network): Term[] {
  const counts = new Map<Column, number>();
  for (const block of blocks) {
    if (block.kind !== 'cell') continue;
    for (const execution of executions) {
      const executed = executedEdges[execution](block.cell);
      for (const op of cellOps) {
        const column = `${execution}_${op}`;
        counts.set(column, (counts.get(column) ?? 0) + block.cell.filter((own, i) => executed[i] && own === op).length);
      }
    }
  }
  return [...counts];
}
