import type { OnnxEditor } from '../editor.js';
import { intOf, onnxNode, operatorOf } from '../onnx-nodes.js';
import { inferShapes, isNumber, type Dim, type Dims } from '../shapes/index.js';

/**
 * A target of Reshape as a constant: open extents that stay where they are become 0, another one becomes -1.
 * @returns `undefined` where more than one would be open
 */
function constantTarget(target: readonly Dim[], x: Dims | undefined): number[] | undefined {
  const fixed = target.map((dim, i) => {
    if (isNumber(dim)) return dim;
    return dim !== null && x?.[i] === dim ? 0 : -1;
  });
  return fixed.filter((dim) => dim === -1).length > 1 ? undefined : fixed;
}

/** Reshapes whose target is computed from the extents of a tensor get one that is constant. */
export function staticReshapes(editor: OnnxEditor): void {
  const shapes = inferShapes(editor);
  for (const node of editor.nodes) {
    const [x, target] = node.input;
    if (operatorOf(node) !== 'Reshape' || editor.isConstant(target) || intOf(node, 'allowzero', 0) !== 0) continue;
    const values = shapes.integers(target);
    // What the rank is must be known too: a single extent may stand for a vector of unknown length.
    const fixed = values && shapes.dims(target)?.length === 1 ? constantTarget(values, shapes.dims(x)) : undefined;
    if (fixed === undefined) continue;
    const constant = editor.addConstant(`${node.output[0]}/shape`, [fixed.length], BigInt64Array.from(fixed, BigInt));
    editor.replace(node, { ...onnxNode('Reshape', [x, constant], node.output), name: node.name });
  }
}
