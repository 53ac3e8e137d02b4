import type { OnnxEditor } from '../editor.js';
import { ints, intsOf, onnxNode, operatorOf } from '../onnx-nodes.js';

/** Transposes of what is transposed become one, or none where they undo each other. */
export function mergeTransposes(editor: OnnxEditor): void {
  for (const { output } of editor.nodes) {
    const node = editor.producer(output[0]);
    const before = node && operatorOf(node) === 'Transpose' ? editor.producer(node.input[0]) : undefined;
    if (node === undefined || before === undefined || operatorOf(before) !== 'Transpose') continue;
    const [inner, outer] = [intsOf(before, 'perm'), intsOf(node, 'perm')];
    if (inner === undefined || outer === undefined) continue;
    const order = outer.map((axis) => inner[axis]);
    const made = onnxNode('Transpose', [before.input[0]], node.output, { perm: ints(order) });
    editor.replace(node, { ...made, name: node.name });
  }
  editor.sweep();
}
