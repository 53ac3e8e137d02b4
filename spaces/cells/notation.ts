import type { Cell } from './nasbench201.js';

/** A cell as NAS-Bench-201's authors write it: `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`, node by node. */
export function cellNotation(cell: Cell): string {
  const node = (from: number, to: number): string =>
    cell
      .slice(from, to)
      .map((op, i) => `${op}~${i}`)
      .join('|');
  return `|${node(0, 1)}|+|${node(1, 3)}|+|${node(3, 6)}|`;
}
