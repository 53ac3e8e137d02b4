import type { OnnxFile } from '../../compiler/index.js';
import { OnnxEditor } from './editor.js';
import { int, intOf, onnxNode, operatorOf } from './onnx-nodes.js';
import { inferShapes, isOnePixel } from './shapes/index.js';

/** What reads scores as floats: probabilities need finer steps than a byte has. */
const softmaxes: ReadonlySet<string | null> = new Set(['Softmax', 'LogSoftmax']);

/** Whether nobody reads a tensor in bytes: the model gives it, or probabilities are made of it. */
export function areScores(editor: OnnxEditor, name: string): boolean {
  const reader = editor.only(name);
  return editor.outputs.has(name) || (reader !== undefined && softmaxes.has(operatorOf(reader)));
}

/**
 * Scores of classes as a product of matrices, where the last layer is a convolution of one pixel: integers that are summed
 * to floats, which runtimes have for matrices only. Scores then are not rounded to 256 steps, of which the best two would
 * share one now and then.
 */
export function scoresAsMatrix(file: OnnxFile): OnnxFile {
  const editor = new OnnxEditor(file);
  const shapes = inferShapes(editor);
  for (const flat of editor.nodes) {
    const [name] = flat.output;
    if (operatorOf(flat) !== 'Flatten' || intOf(flat, 'axis', 1) !== 1 || !areScores(editor, name)) continue;
    const conv = editor.producer(flat.input[0]);
    if (conv?.opType !== 'Conv' || editor.only(flat.input[0]) !== flat) continue;
    const [image, kernel, bias = ''] = conv.input;
    const [classes, channels, ...window] = editor.dims(kernel) ?? [];
    const weights = editor.floats(kernel);
    const shift = editor.floats(bias);
    if (weights === undefined || (bias !== '' && shift === undefined)) continue;
    if (window.some((size) => size !== 1) || intOf(conv, 'group', 1) !== 1) continue;
    if (![image, flat.input[0]].every((tensor) => isOnePixel(shapes.dims(tensor)))) continue;
    const matrix = editor.addConstant(`${kernel}/matrix`, [classes, channels], weights);
    const vectors = editor.fresh(`${image}/vectors`);
    const input = [vectors, matrix, ...(shift === undefined ? [] : [bias])];
    editor.remove(flat);
    editor.replace(conv, onnxNode('Flatten', [image], [vectors], { axis: int(1) }), {
      ...onnxNode('Gemm', input, [name], { transB: int(1) }),
      name: conv.name,
    });
  }
  return editor.toFile();
}
