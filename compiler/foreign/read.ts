import { invalidInput } from '../../base/errors.js';
import type { ImageSize } from '../../base/image-pixels.js';
import {
  applyRules,
  checkedAfter,
  GraphEditor,
  ints,
  intOf,
  nodeLabel,
  scopeOf,
  withoutDeadCode,
  withTypes,
} from '../graph/index.js';
import type { OnnxGraph, OnnxNode, Rule, Scope } from '../graph/index.js';
import { requireOrder } from '../onnx/check.js';
import { readGraph } from '../onnx/read.js';
import { constantNodes, foldConstants } from '../passes/constants.js';
import { requireFloat32 } from '../runtime/classifier/float32.js';
import type { ImageLayout } from '../runtime/classifier/inputs-outputs.js';
import { parseOnnx, showTensor } from '../onnx/file.js';
import { onnxSignature, type ClassifierFacts, type ClassifierSignature } from '../runtime/classifier/signature.js';
import { refusal } from './call.js';
import { ruleOf } from './operators/index.js';

export interface ReadOptions {
  /** What errors call the file; default `the file`. */
  readonly where?: string;
  /** Height and width of the images, where the file leaves them open. */
  readonly size?: readonly [height: number, width: number];
  /** Default: where the channels are one or three. */
  readonly layout?: ImageLayout | undefined;
  /** The value that a new head reads; default: what the last linear layer reads. */
  readonly features?: string | undefined;
}

/** A classifier's graph, with its constants computed. */
export interface ReadFile {
  readonly graph: OnnxGraph;
  readonly scope: Scope;
  /** The nodes to compute; others only compute shapes. */
  readonly nodes: readonly OnnxNode[];
  readonly input: ImageSize;
  readonly layout: ImageLayout;
  /** The number of images that the file was made for; null: any. */
  readonly fixedBatch: number | null;
  readonly opset: number;
  readonly facts: ClassifierFacts;
  /** Names of the weights whose constants are computed from one in the file: the name of that one. */
  readonly names: ReadonlyMap<string, string>;
}

const channelAxis: { readonly [L in ImageLayout]: 0 | 2 } = { NCHW: 0, NHWC: 2 };

/** @throws NasError where size or layout do not follow from the file and the options */
export function imageOf(
  { input, facts }: ClassifierSignature,
  { where = 'the file', size, layout: given = facts.layout }: ReadOptions,
): { readonly layout: ImageLayout; readonly size: ImageSize } {
  const sides = input.shape.slice(1);
  const isChannels = (layout: ImageLayout): boolean => [1, 3].includes(Number(sides[channelAxis[layout]]));
  const layouts = given ? [given] : (['NCHW', 'NHWC'] as const).filter(isChannels);
  if (layouts.length !== 1)
    throw invalidInput(`${where} takes ${showTensor(input)}, which does not tell where the channels are`, {
      hint: 'Say so: layout is NCHW or NHWC.',
    });
  const [layout] = layouts;
  const [height, width] = layout === 'NCHW' ? sides.slice(1) : sides;
  const [first, second] = size ?? facts.input ?? [];
  const found = [
    [height, first],
    [width, second],
  ].map(([own, asked]) => (typeof own === 'number' ? own : asked));
  const channels = sides[channelAxis[layout]];
  if (typeof channels !== 'number' || !found.every((side) => typeof side === 'number'))
    throw invalidInput(`${where} takes ${showTensor(input)}, whose size is open`, {
      hint: 'Say which size the images have, or export the model for one size.',
    });
  if (size && String(found) !== String(size))
    throw invalidInput(`${where} takes images of ${found.join('x')}, not ${size.join('x')}`, {
      hint: 'Export the model for the other size, or with open sizes.',
    });
  return { layout, size: [found[0], found[1], channels] };
}

/** Whether a file leaves the size of its images open. */
export const isOpen = ({ input }: Pick<ClassifierSignature, 'input'>): boolean =>
  input.shape.slice(1).some((side) => typeof side !== 'number');

/** The size for a file that leaves it open; other files have their own. */
export const sizeWhereOpen = (bytes: Uint8Array, where: string, size: NonNullable<ReadOptions['size']>) =>
  isOpen(onnxSignature(parseOnnx(bytes, where), where)) ? { size } : {};

/** An Identity of a constant is a constant of its own: exporters store equal weights once, and those are trained apart. */
const copies: Rule<string> = {
  match: ['Identity'],
  replace: (node, { editor }) => {
    const constant = editor.constant(node.inputs[0]);
    if (!constant || editor.isOutput(node.outputs[0])) return null;
    const { dtype, shape, data } = constant;
    return { constant: { dtype, shape, data } };
  },
};

/** Images of one channel, whose channel a reshape moves to the front: the transposition that it is. */
export const greyImages: Rule<string> = {
  match: ['Reshape'],
  replace: ({ name, inputs, outputs }, { editor }) => {
    const [shape = [], numbers] = [editor.shape(inputs[0]), editor.numbers(inputs[1])];
    const [, height, width, channels] = shape;
    const isMoved = shape.length === 4 && channels === 1 && numbers?.slice(1).join() === `1,${height},${width}`;
    return isMoved
      ? [{ op: 'Transpose', name, inputs: [inputs[0]], outputs, attributes: { perm: ints([0, 3, 1, 2]) } }]
      : null;
  },
};

/** Operators that only turn a weight. */
const turning = new Set(['Reshape', 'Squeeze', 'Transpose', 'Unsqueeze']);

/** The names of weights that the file has in another form, where nothing else reads them. */
function namesIn({ nodes, constants }: OnnxGraph): ReadonlyMap<string, string> {
  const reads = nodes.flatMap(({ inputs }) => inputs);
  const isAlone = (name: string): boolean => reads.indexOf(name) === reads.lastIndexOf(name);
  const turned = nodes.filter(({ op, inputs: [name] }) => turning.has(op) && constants.has(name) && isAlone(name));
  return new Map(turned.map(({ inputs, outputs }) => [outputs[0], inputs[0]]));
}

/** The graph for images of this size and any number of them, its constants computed. */
function settled(
  graph: OnnxGraph,
  { layout, size }: { readonly layout: ImageLayout; readonly size: ImageSize },
): OnnxGraph {
  const [height, width, channels] = size;
  const image = layout === 'NCHW' ? [channels, height, width] : size;
  const inputs = graph.inputs.map((port) => ({ ...port, shape: ['N' as const, ...image] }));
  // A file for one image declares an answer for one.
  const outputs = graph.outputs.map((port) => ({ ...port, shape: port.shape.map(() => null) }));
  const editor = new GraphEditor<string>(withTypes({ ...graph, inputs, outputs }));
  applyRules(editor, [...constantNodes, copies, greyImages, ...foldConstants]);
  return checkedAfter('computing constants', editor.finish());
}

/** Whether a node computes numbers of shapes only, which its readers know. */
const isShape = ({ outputs }: OnnxNode, { types }: OnnxGraph): boolean => {
  const dtype = types.get(outputs[0])?.dtype;
  return dtype === 'int64' || dtype === 'int32';
};

/**
 * Reads a classifier's file for training.
 * @throws NasError `invalid-input` naming the node or tensor, unless the file is one float32 graph of known operators that
 *   makes one output of images of a known size
 */
export function readClassifier(bytes: Uint8Array, options: ReadOptions = {}): ReadFile {
  const { where = 'the file' } = options;
  const file = parseOnnx(bytes, where);
  const signature = onnxSignature(file, where);
  requireFloat32(file, where, 'trained');
  const image = imageOf(signature, options);
  requireOrder(file, where);
  const read = readGraph(file);
  checkedAfter('reading', read);
  const graph = settled(read, image);
  const nodes = graph.nodes.filter((node) => !isShape(node, graph));
  for (const node of nodes) {
    const rule = ruleOf(node.op);
    if ('unsupported' in rule) throw refusal(where, node, rule.unsupported, rule.hint);
  }
  const standard = file.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  const [batch] = signature.input.shape;
  return {
    graph,
    scope: scopeOf(graph),
    nodes,
    input: image.size,
    layout: image.layout,
    fixedBatch: typeof batch === 'number' ? batch : null,
    opset: Number(standard?.version ?? 1n),
    facts: signature.facts,
    names: namesIn(read),
  };
}

/** The part of a file that computes these values, which become its outputs. */
export function cutAt(
  { graph, nodes }: ReadFile,
  names: readonly string[],
): Pick<ReadFile, 'graph' | 'scope' | 'nodes'> {
  const outputs = names.map((name) => ({
    name,
    ...(graph.types.get(name) ?? { dtype: 'float32' as const, shape: [] }),
  }));
  const cut = withoutDeadCode({ ...graph, outputs });
  const kept = new Set(cut.nodes);
  return { graph: cut, scope: scopeOf(cut), nodes: nodes.filter((node) => kept.has(node)) };
}

/** The last linear layer of a classifier. */
export interface Head {
  /** The name of its node. */
  readonly node: string;
  /** The value that it reads. */
  readonly features: string;
  /** Numbers of features that it reads. */
  readonly inputs: number;
}

/** How a file's output follows from its logits. */
export type Answer = 'logits' | 'softmax' | 'log_softmax' | 'sigmoid';
const answers: Readonly<Partial<Record<string, Answer>>> = {
  Softmax: 'softmax',
  LogSoftmax: 'log_softmax',
  Sigmoid: 'sigmoid',
};

/** Operators behind the last linear layer that move or average values. */
const behindAnswers = new Set([
  'Cast',
  'Dropout',
  'Flatten',
  'Identity',
  'Reshape',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);
const behindHead = new Set([
  ...[...behindAnswers, ...Object.keys(answers)],
  ...['Add', 'AveragePool', 'Div', 'GlobalAveragePool', 'Mul', 'ReduceMean', 'Relu', 'Sub'],
]);

/** The inputs of the last linear layer, if a node is one. */
function inputsOfLinear(node: OnnxNode, { constants }: OnnxGraph): number | undefined {
  const shape = constants.get(node.inputs[1] ?? '')?.shape;
  if (shape === undefined) return undefined;
  if (node.op === 'Gemm') return shape[intOf(node, 'transB', 0)];
  if (node.op === 'MatMul' && shape.length === 2) return shape[0];
  const isLinear = node.op === 'Conv' && intOf(node, 'group', 1) === 1 && String(shape.slice(2)) === '1,1';
  return isLinear ? shape[1] : undefined;
}

/** The nodes before the output of a graph along first inputs that are no constants, the last one first. */
function* tail({ outputs, constants }: OnnxGraph, scope: Scope): Generator<OnnxNode> {
  let node = scope.producer(outputs[0].name);
  const seen = new Set<OnnxNode>();
  while (node !== undefined && !seen.has(node)) {
    yield node;
    seen.add(node);
    node = scope.producer(node.inputs.find((name) => !constants.has(name)) ?? '');
  }
}

/** The node that makes probabilities of the logits, if there is one. */
export function answerOf({ graph, scope }: Pick<ReadFile, 'graph' | 'scope'>): {
  readonly node: OnnxNode | null;
  readonly answer: Answer;
} {
  for (const node of tail(graph, scope)) {
    const answer = answers[node.op];
    if (answer) return { node, answer };
    if (!behindAnswers.has(node.op)) break;
  }
  return { node: null, answer: 'logits' };
}

/** The linear layers at the end of a graph, the last one first; none where other operators stand behind the last one. */
export function linearLayers({ graph, scope }: Pick<ReadFile, 'graph' | 'scope'>): Head[] {
  const layers: Head[] = [];
  for (const node of tail(graph, scope)) {
    const inputs = inputsOfLinear(node, graph);
    if (inputs !== undefined) layers.push({ node: nodeLabel(node), features: node.inputs[0], inputs });
    else if (
      !behindHead.has(node.op) ||
      node.inputs.filter((name) => name !== '' && !graph.constants.has(name)).length > 1
    )
      break;
  }
  return layers;
}
