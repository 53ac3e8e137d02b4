import type { OnnxEditor } from '../editor.js';
import { onnxNode, operatorOf, type OnnxNode } from '../onnx-nodes.js';

type Bounds = readonly [low: number, high: number];

/** A constant of one number, which changes no extents of what it is combined with. */
export function scalarOf(editor: OnnxEditor, name: string): number | undefined {
  const values = (editor.dims(name)?.length ?? 2) < 2 ? editor.floats(name) : undefined;
  return values?.length === 1 ? values[0] : undefined;
}

/** A bound of Clip; `open` where it is left out or is all that a float can be. */
function bound(editor: OnnxEditor, name: string | undefined, open: number): number | undefined {
  if (!name) return open;
  const value = scalarOf(editor, name);
  // PyTorch and TF write the largest float for none.
  return value !== undefined && Math.abs(value) > 3.4e38 ? open : value;
}

const pair = (low: number | undefined, high: number | undefined): Bounds | undefined =>
  low === undefined || high === undefined ? undefined : [low, high];

/** What a node that only bounds its first input bounds it to. */
export function boundsOf(editor: OnnxEditor, node: OnnxNode): Bounds | undefined {
  const { input } = node;
  const second = () => (input.length === 2 ? scalarOf(editor, input[1]) : undefined);
  switch (operatorOf(node)) {
    case 'Relu':
      return [0, Infinity];
    case 'Clip':
      return pair(bound(editor, input[1], -Infinity), bound(editor, input[2], Infinity));
    case 'Max':
      return pair(second(), Infinity);
    case 'Min':
      return pair(-Infinity, second());
    default:
      return undefined;
  }
}

/** Two bounds one after the other as one; none where they exclude each other. */
function both([low, high]: Bounds, [lowThen, highThen]: Bounds): Bounds | undefined {
  const together = [Math.max(low, lowThen), Math.min(high, highThen)] as const;
  return together[0] <= together[1] ? together : undefined;
}

function bounded(editor: OnnxEditor, node: OnnxNode, x: string, [low, high]: Bounds): OnnxNode {
  const [output] = node.output;
  if (low === 0 && high === Infinity) return { ...onnxNode('Relu', [x], [output]), name: node.name };
  const constant = (value: number, what: string): string =>
    Number.isFinite(value) ? editor.addConstant(`${output}/${what}`, [], Float32Array.of(value)) : '';
  return { ...onnxNode('Clip', [x, constant(low, 'low'), constant(high, 'high')], [output]), name: node.name };
}

/** Whatever bounds a tensor, and bounds of what is bounded, become one Relu or Clip. */
export function oneBound(editor: OnnxEditor): void {
  for (const { output } of editor.nodes) {
    const node = editor.producer(output[0]);
    const own = node && boundsOf(editor, node);
    if (node === undefined || own === undefined) continue;
    const before = editor.producer(node.input[0]);
    const inner = before && editor.only(before.output[0]) === node ? boundsOf(editor, before) : undefined;
    const together = inner && both(inner, own);
    if (before !== undefined && together !== undefined) {
      editor.replace(node, bounded(editor, node, before.input[0], together));
      editor.remove(before);
    } else if (
      node.opType === 'Min' ||
      node.opType === 'Max' ||
      (node.opType === 'Clip' && own[0] === 0 && own[1] === Infinity)
    )
      editor.replace(node, bounded(editor, node, node.input[0], own));
  }
}
