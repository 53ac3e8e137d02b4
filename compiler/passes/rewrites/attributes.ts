import type { Node } from '../../graph/index.js';

export const intOf = ({ attributes }: Node, name: string, otherwise: number): number => {
  const attribute = attributes[name];
  return attribute?.kind === 'int' ? attribute.value : otherwise;
};

export const flagOf = (node: Node, name: string, otherwise: boolean): boolean =>
  intOf(node, name, otherwise ? 1 : 0) === 1;
