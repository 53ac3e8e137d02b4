import type { OnnxEditor } from '../editor.js';
import { intOf, ints, intsOf, onnxNode, operatorOf, type OnnxNode } from '../onnx-nodes.js';
import { axisIn, inferShapes, windowOf, type Shapes } from '../shapes/index.js';

interface Scope {
  readonly editor: OnnxEditor;
  readonly shapes: Shapes;
}

/** Axes of a reduction in order, counted from the front. */
function axesOf({ editor }: Scope, node: OnnxNode, rank: number): readonly number[] | undefined {
  const axes = intsOf(node, 'axes') ?? (node.input[1] ? editor.ints(node.input[1]) : undefined);
  return axes?.map((axis) => axisIn(rank, axis)).sort((a, b) => a - b);
}

const keepsAxes = (node: OnnxNode): boolean => intOf(node, 'keepdims', 1) === 1;

/** The image that is stored with its channels last in a tensor, if it is. */
export function channelsFirst(editor: OnnxEditor, name: string): string | undefined {
  const node = editor.producer(name);
  const isTurned = node && operatorOf(node) === 'Transpose' && intsOf(node, 'perm')?.join() === '0,2,3,1';
  return isTurned ? node.input[0] : undefined;
}

/** A mean over rows and columns: of which image, and what of it is given. */
interface Mean {
  readonly image: string;
  readonly form: 'image' | 'vector' | 'channels last';
}

function meanOf(scope: Scope, node: OnnxNode): Mean | undefined {
  const { editor, shapes } = scope;
  const [x] = node.input;
  const dims = shapes.dims(x);
  if (dims === undefined) return undefined;
  const axes = axesOf(scope, node, dims.length)?.join();
  const kept = keepsAxes(node);
  if (dims.length === 4 && axes === '2,3') return { image: x, form: kept ? 'image' : 'vector' };
  const turned = dims.length === 4 && axes === '1,2' ? channelsFirst(editor, x) : undefined;
  if (turned !== undefined) return { image: turned, form: kept ? 'channels last' : 'vector' };
  // One axis after the other.
  const before = editor.producer(x);
  if (before === undefined || operatorOf(before) !== 'ReduceMean' || editor.only(x) !== node) return undefined;
  const inner = shapes.dims(before.input[0])?.length === 4 ? axesOf(scope, before, 4)?.join() : undefined;
  if (kept || keepsAxes(before) || axes !== '2' || (inner !== '3' && inner !== '2')) return undefined;
  return { image: before.input[0], form: 'vector' };
}

function pooled(scope: Scope, node: OnnxNode): readonly OnnxNode[] | undefined {
  const mean = meanOf(scope, node);
  if (mean === undefined) return undefined;
  const { editor } = scope;
  const result = mean.form === 'image' ? node.output[0] : editor.fresh(`${node.output[0]}/pooled`);
  const pool = { ...onnxNode('GlobalAveragePool', [mean.image], [result]), name: node.name };
  const forms: { readonly [F in Mean['form']]: readonly OnnxNode[] } = {
    image: [pool],
    vector: [pool, onnxNode('Flatten', [result], node.output)],
    'channels last': [pool, onnxNode('Transpose', [result], node.output, { perm: ints([0, 2, 3, 1]) })],
  };
  return forms[mean.form];
}

/** A pooling whose one window is the image. */
function whole({ shapes }: Scope, node: OnnxNode): readonly OnnxNode[] | undefined {
  const spatial = shapes.dims(node.input[0])?.slice(2) ?? [];
  const window = windowOf(node, spatial);
  const isWhole = spatial.length === 2 && window?.kernel.every((extent, i) => extent === spatial[i]) === true;
  if (!isWhole || window.pads.some((pad) => pad !== 0) || window.dilations.some((one) => one !== 1)) return undefined;
  return [{ ...onnxNode('GlobalAveragePool', node.input, node.output), name: node.name }];
}

/** Means over whole images become GlobalAveragePool, which has a kernel for bytes. */
export function poolMeans(editor: OnnxEditor): void {
  const scope = { editor, shapes: inferShapes(editor) };
  for (const node of editor.nodes) {
    const operator = operatorOf(node);
    const by =
      operator === 'ReduceMean' ? pooled(scope, node) : operator === 'AveragePool' ? whole(scope, node) : undefined;
    if (by !== undefined) editor.replace(node, ...by);
  }
  editor.sweep();
}
