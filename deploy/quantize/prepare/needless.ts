import { TensorProto_DataType as Type } from 'onnx-buf';
import type { OnnxEditor } from '../editor.js';
import { intOf, intsOf, operatorOf, type OnnxNode } from '../onnx-nodes.js';
import { inferShapes, type Shapes } from '../shapes/index.js';

interface Scope {
  readonly editor: OnnxEditor;
  readonly shapes: Shapes;
}

/** Whether a node gives its first input as it is. */
type Needless = (node: OnnxNode, scope: Scope) => boolean;

/** The same extents, all known; open ones of the same name are the same. */
const keepsShape: Needless = ({ input, output }, { shapes }) => {
  const [before, after] = [shapes.dims(input[0]), shapes.dims(output[0])];
  return before?.length === after?.length && before?.every((dim, i) => dim !== null && dim === after?.[i]) === true;
};

/** Arithmetic with a constant that changes neither values nor extents. */
const neutral =
  (value: number): Needless =>
  (node, scope) =>
    scope.editor.floats(node.input[1])?.every((one) => one === value) === true && keepsShape(node, scope);

/** In training mode, which is an input that files for inference leave out or set to false, it does something. */
const isInferenceDropout: Needless = ({ input, output }, { editor }) => {
  const training = input[2] ? editor.constant(input[2]) : undefined;
  const isOff =
    !input[2] || (training !== undefined && [...training.rawData, ...training.int32Data].every((byte) => byte === 0));
  return isOff && output.slice(1).every((mask) => editor.consumers(mask).length === 0);
};

/** Images are float32, and so is what is made of them by operators that keep the type. */
const isFloat = (editor: OnnxEditor, name: string): boolean =>
  editor.inputs.includes(name) || ['Conv', 'BatchNormalization'].includes(editor.producer(name)?.opType ?? '');

const rules: Readonly<Partial<Record<string, Needless>>> = {
  Add: neutral(0),
  Cast: (node, { editor }) => intOf(node, 'to', 0) === Type.FLOAT.valueOf() && isFloat(editor, node.input[0]),
  Clip: ({ input }) => !input[1] && !input[2],
  Concat: ({ input }) => input.length === 1,
  Dropout: isInferenceDropout,
  Flatten: keepsShape,
  GlobalAveragePool: keepsShape,
  Identity: () => true,
  Mul: neutral(1),
  Pad: ({ input }, { editor }) => editor.ints(input[1])?.every((pad) => pad === 0) ?? false,
  Reshape: keepsShape,
  Squeeze: keepsShape,
  Sum: ({ input }) => input.length === 1,
  Transpose: (node) => intsOf(node, 'perm')?.every((axis, i) => axis === i) ?? false,
};

/** Nodes that do nothing go. */
export function needless(editor: OnnxEditor): void {
  const shapes = inferShapes(editor);
  for (const { output } of editor.nodes) {
    // As it is now: what it reads may have gone before it.
    const node = editor.producer(output[0]);
    if (node !== undefined && rules[operatorOf(node) ?? '']?.(node, { editor, shapes }) === true)
      editor.bypass(node, node.input[0]);
  }
}
