import type { OnnxEditor } from '../editor.js';
import { int, intOf, ints, onnxNode, operatorOf, textOf, type OnnxNode } from '../onnx-nodes.js';
import { inferShapes, windowOf, type Shapes } from '../shapes/index.js';
import { boundsOf } from './bounds.js';

/** Pads of the two axes of images alone, begins before ends, filled with zeros; `undefined` for others. */
function zerosAround(editor: OnnxEditor, node: OnnxNode): readonly number[] | undefined {
  const [, amounts, value] = node.input;
  const pads = editor.ints(amounts);
  const isZero = !value || editor.floats(value)?.every((one) => one === 0) === true;
  if (textOf(node, 'mode', 'constant') !== 'constant' || node.input[3] || !isZero || pads?.length !== 8)
    return undefined;
  return [0, 1, 4, 5].some((i) => pads[i] !== 0) || pads.some((pad) => pad < 0)
    ? undefined
    : [2, 3, 6, 7].map((i) => pads[i]);
}

/** Whether a tensor has no negative values: zeros around it are then nothing to a maximum. */
function isPositive(editor: OnnxEditor, name: string): boolean {
  const node = editor.producer(name);
  return node !== undefined && (boundsOf(editor, node)?.[0] ?? -1) >= 0;
}

/** A window with the pads before it as its own; `undefined` where it would see something else. */
function widened(editor: OnnxEditor, reader: OnnxNode, pad: OnnxNode, shapes: Shapes): OnnxNode | undefined {
  const around = zerosAround(editor, pad);
  const operator = operatorOf(reader);
  const [x] = pad.input;
  const weights = operator === 'Conv' ? editor.dims(reader.input[1])?.slice(2) : undefined;
  const window = windowOf(reader, shapes.dims(pad.output[0])?.slice(2) ?? [], weights);
  if (around === undefined || window === undefined || reader.input[0] !== pad.output[0]) return undefined;
  const pads = window.pads.map((own, i) => own + around[i]);
  const attributes = { kernel_shape: ints(window.kernel), strides: ints(window.strides), pads: ints(pads) };
  const input = [x, ...reader.input.slice(1)];
  const made = (more: NonNullable<Parameters<typeof onnxNode>[3]>): OnnxNode => ({
    ...onnxNode(reader.opType, input, reader.output, { ...attributes, ...more }),
    name: reader.name,
  });
  const dilations = ints(window.dilations);
  if (operator === 'Conv') return made({ dilations, group: int(intOf(reader, 'group', 1)) });
  if (intOf(reader, 'ceil_mode', 0) !== 0 || reader.output.length > 1) return undefined;
  const isSmall = pads.every((one, i) => one < window.kernel[i % 2]);
  const dilated = window.dilations.some((one) => one !== 1);
  if (operator === 'MaxPool') return isSmall && isPositive(editor, x) ? made({ dilations }) : undefined;
  const countsZeros = intOf(reader, 'count_include_pad', 0) === 1 || window.pads.every((own) => own === 0);
  return operator === 'AveragePool' && isSmall && countsZeros && !dilated
    ? made({ count_include_pad: int(1) })
    : undefined;
}

/** Zeros around an image become the pads of the convolutions and poolings that read it. */
export function padsInside(editor: OnnxEditor): void {
  const shapes = inferShapes(editor);
  for (const pad of editor.nodes) {
    if (operatorOf(pad) !== 'Pad') continue;
    for (const reader of editor.consumers(pad.output[0])) {
      const by = widened(editor, reader, pad, shapes);
      if (by !== undefined) editor.replace(reader, by);
    }
  }
  editor.sweep();
}
