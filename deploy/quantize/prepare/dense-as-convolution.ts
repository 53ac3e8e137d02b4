import type { OnnxEditor } from '../editor.js';
import { intOf, ints, onnxNode, operatorOf, type OnnxNode } from '../onnx-nodes.js';
import { isNumber, type Shapes } from '../shapes/index.js';
import { permuted } from './fold-constants.js';
import { channelsFirst } from './means.js';

/** The image that a dense layer reads all of. */
interface Source {
  readonly image: string;
  /** Channels, rows, columns. */
  readonly extents: readonly [number, number, number];
  /** Whether the channels of a pixel lie together where it was flattened. */
  readonly channelsLast: boolean;
}

function flattened(editor: OnnxEditor, shapes: Shapes, vector: string): Source | undefined {
  const node = editor.producer(vector);
  const dims = shapes.dims(vector);
  if (node === undefined || dims?.length !== 2) return undefined;
  const operator = operatorOf(node);
  if (operator !== 'Reshape' && !(operator === 'Flatten' && intOf(node, 'axis', 1) === 1)) return undefined;
  const turned = channelsFirst(editor, node.input[0]);
  const image = turned ?? node.input[0];
  const extents = shapes.dims(image) ?? [];
  const [, channels, rows, columns] = extents;
  const areKnown = isNumber(channels) && isNumber(rows) && isNumber(columns);
  if (extents.length !== 4 || !areKnown || dims[1] !== channels * rows * columns) return undefined;
  return { image, extents: [channels, rows, columns], channelsLast: turned !== undefined };
}

/**
 * The product of a vector and a constant matrix [inputs, outputs] as a convolution whose window is the image that holds the
 * vector: of one pixel, or of all those that were flattened into it.
 * @param image one of one pixel that holds the vector, where there is one
 * @param result the name of what it gives, [N, outputs, 1, 1]
 */
export function denseAsConvolution(
  editor: OnnxEditor,
  shapes: Shapes,
  node: OnnxNode,
  image: string | undefined,
  result: string,
): OnnxNode | undefined {
  const [vector, matrix] = node.input;
  const weights = editor.floats(matrix);
  const dims = editor.dims(matrix) ?? [];
  if (weights === undefined || dims.length !== 2) return undefined;
  const [inputs, outputs] = dims;
  const source: Source | undefined =
    image === undefined ? flattened(editor, shapes, vector) : { image, extents: [inputs, 1, 1], channelsLast: false };
  if (source === undefined) return undefined;
  const [channels, rows, columns] = source.extents;
  const kernel = source.channelsLast
    ? permuted(weights, [rows, columns, channels, outputs], [3, 2, 0, 1])
    : permuted(weights, [inputs, outputs], [1, 0]);
  const constant = editor.addConstant(`${matrix}/kernel`, [outputs, channels, rows, columns], kernel);
  const convolution = onnxNode('Conv', [source.image, constant], [result], { kernel_shape: ints([rows, columns]) });
  return { ...convolution, name: node.name };
}
