import type { AttributeProto, TensorProto } from 'onnx-buf';
import type { OnnxEditor } from '../editor.js';
import { operatorOf } from '../onnx-nodes.js';
import { onnxTensor } from '../onnx-tensors.js';

/** The value of a Constant, in whichever attribute it is; none for texts and sparse ones. */
function valueOf({ name, t, f, floats, i, ints }: AttributeProto): TensorProto | undefined {
  if (name === 'value') return t;
  if (name === 'value_float') return onnxTensor('', [], Float32Array.of(f));
  if (name === 'value_floats') return onnxTensor('', [floats.length], Float32Array.from(floats));
  if (name === 'value_int') return onnxTensor('', [], BigInt64Array.of(i));
  if (name === 'value_ints') return onnxTensor('', [ints.length], BigInt64Array.from(ints));
  return undefined;
}

/** Constants that are nodes become initializers. */
export function constantNodes(editor: OnnxEditor): void {
  for (const node of editor.nodes) {
    if (operatorOf(node) !== 'Constant' || editor.outputs.has(node.output[0])) continue;
    const value = node.attribute.map(valueOf).find((one) => one !== undefined);
    if (value !== undefined) editor.settle(node, value);
  }
}
