import type { GraphEditor, Node } from '../graph/index.js';

/** A convolution in blocks whose result is read once, as it is or in another shape. */
export interface OnlyUse {
  readonly convolution: Node;
  /** The node that gives the result its shape; null when it is read as it is. */
  readonly reshape: Node | null;
}

/** The blocked convolution without activation that computes `name`, when nothing else reads what it computes. */
export function onlyUseOf(editor: GraphEditor, name: string): OnlyUse | null {
  if (editor.readsOf(name) !== 1) return null;
  const last = editor.producer(name);
  const reshape = last?.op === 'Reshape' ? last : null;
  if (reshape && editor.readsOf(reshape.inputs[0]) !== 1) return null;
  const convolution = reshape ? editor.producer(reshape.inputs[0]) : last;
  return convolution?.op === 'nchwc.Conv' && !convolution.attributes['activation'] ? { convolution, reshape } : null;
}
