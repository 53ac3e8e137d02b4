import {
  attributeList,
  type Attributes,
  type Constant,
  type Graph,
  GraphEditor,
  int,
  ints,
  type Node,
  sizeOf,
} from '../graph/index.js';
import { toStorage } from '../values/layout.js';

/** Value of a node whose inputs are constants, for operators that only rearrange; null for all others. */
function rearranged(editor: GraphEditor, node: Node): Constant | null {
  const source = editor.constant(node.inputs[0]);
  const type = editor.type(node.outputs[0]);
  if (!source || !type) return null;
  if (node.op === 'Reshape') return { ...type, data: source.data };
  const perm = node.attributes['perm'];
  if (node.op !== 'Transpose' || perm?.kind !== 'ints') return null;
  return { ...type, data: toStorage(source.data, source.shape, perm.value) };
}

/** Computes Reshape and Transpose of constants now. */
export function foldConstants(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    const [name] = node.outputs;
    const value = editor.isOutput(name) ? null : rearranged(editor, node);
    if (value === null) continue;
    editor.addConstant(name, value);
    editor.replace(node);
  }
  return editor.finish();
}

/** A convolution of some consecutive channels of a map. */
interface Part {
  readonly node: Node;
  readonly map: string;
  readonly start: number;
  readonly end: number;
  readonly filter: Constant;
}

/** One whole number that a constant holds. */
function numberOf(editor: GraphEditor, name: string): number | null {
  const constant = editor.constant(name);
  return constant?.data.length === 1 ? Number(constant.data[0]) : null;
}

/** Reads a value as a convolution without bias of channels cut from a map; null when it is something else. */
function partOf(editor: GraphEditor, name: string): Part | null {
  const node = editor.producer(name);
  if (node?.op !== 'Conv' || node.inputs.length !== 2 || node.attributes['group'] !== undefined) return null;
  const slice = editor.producer(node.inputs[0]);
  const filter = editor.constant(node.inputs[1]);
  if (slice?.op !== 'Slice' || !(filter?.data instanceof Float32Array)) return null;
  const [start, end, axis] = [1, 2, 3].map((i) => numberOf(editor, slice.inputs[i]));
  return start === null || end === null || axis !== 1 ? null : { node, map: slice.inputs[0], start, end, filter };
}

const textOf = (attributes: Attributes): string => JSON.stringify(attributeList(attributes));

/** Whether parts cut one map into equal groups, in order and completely, and are convolved alike. */
function areGroups(editor: GraphEditor, parts: readonly Part[]): boolean {
  const [{ map, node, filter }] = parts;
  const channels = editor.shapeOf(map)[1];
  const width = channels / parts.length;
  return parts.every(
    (part, i) =>
      part.map === map &&
      part.start === i * width &&
      part.end === (i + 1) * width &&
      part.filter.shape.every((side, d) => side === filter.shape[d]) &&
      textOf(part.node.attributes) === textOf(node.attributes),
  );
}

/** Filters one after the other, [out, in, height, width] each. */
function stacked(filters: readonly Constant[]): Constant {
  const [{ shape, dtype }] = filters;
  const data = new Float32Array(filters.reduce((sum, filter) => sum + sizeOf(filter.shape), 0));
  let offset = 0;
  for (const filter of filters) {
    data.set(Float32Array.from(filter.data, Number), offset);
    offset += filter.data.length;
  }
  return { dtype, shape: shape.with(0, shape[0] * filters.length), data };
}

/**
 * Makes one convolution in groups of convolutions whose inputs are cut from one map and whose outputs are put side by
 * side: the form in which models without a layer for groups say it.
 */
export function groupConvolutions(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    const axis = node.attributes['axis'];
    if (node.op !== 'Concat' || axis?.kind !== 'int' || axis.value !== 1) continue;
    const parts = node.inputs.map((name) => partOf(editor, name));
    if (!parts.every((part) => part !== null) || parts.length < 2 || !areGroups(editor, parts)) continue;
    const filter = editor.addConstant(`${node.outputs[0]}/groups`, stacked(parts.map((part) => part.filter)));
    const [{ node: first, map }] = parts;
    const attributes = { ...first.attributes, group: int(parts.length) };
    editor.replace(node, { ...first, inputs: [map, filter], outputs: node.outputs, attributes });
  }
  return editor.finish();
}

const toNhwc = [0, 2, 3, 1];
const toNchw = [0, 3, 1, 2];
const turn = [0, 1, 2, 4, 3];

function hasPerm(node: Node | undefined, expected: readonly number[]): node is Node {
  const perm = node?.op === 'Transpose' ? node.attributes['perm'] : undefined;
  return perm?.kind === 'ints' && perm.value.join() === expected.join();
}

/** The map that a value shuffles the channels of, both in NCHW, and in how many groups; null when it does not. */
function shuffledMap(editor: GraphEditor, last: Node) {
  const before = (node: Node | undefined): Node | undefined => editor.producer(node?.inputs[0] ?? '');
  const merge = before(last);
  const swap = before(merge);
  const split = before(swap);
  const first = before(split);
  if (!hasPerm(last, toNchw) || merge?.op !== 'Reshape' || !hasPerm(swap, turn)) return null;
  if (split?.op !== 'Reshape' || !hasPerm(first, toNhwc)) return null;
  const map = first.inputs[0];
  const [, channels, height, width] = editor.shapeOf(map);
  const table = editor.shapeOf(split.outputs[0]);
  const merged = editor.shapeOf(merge.outputs[0]);
  if (table.length !== 5 || merged.length !== 4) return null;
  const keeps = table[1] === height && table[2] === width && table[3] * table[4] === channels;
  const whole = merged[1] === height && merged[2] === width && merged[3] === channels;
  return keeps && whole ? { map, channels, height, width, groups: table[3] } : null;
}

/**
 * Shuffles channels in NCHW: a channel shuffle is recorded in NHWC, between two transpositions of whole maps, which its
 * own transposition, of rows of pixels, makes superfluous.
 */
export function shuffleChannels(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    const found = shuffledMap(editor, node);
    if (found === null) continue;
    const { map, channels, height, width, groups } = found;
    const { outputs, origin } = node;
    const [table, turned] = ['table', 'turned'].map((name) => `${outputs[0]}/${name}`);
    const split = editor.integers(`${outputs[0]}/split`, [0, groups, channels / groups, height, width]);
    const merge = editor.integers(`${outputs[0]}/merge`, [0, channels, height, width]);
    editor.replace(
      node,
      { op: 'Reshape', inputs: [map, split], outputs: [table], origin },
      { op: 'Transpose', inputs: [table], outputs: [turned], attributes: { perm: ints([0, 2, 1, 3, 4]) }, origin },
      { op: 'Reshape', inputs: [turned, merge], outputs, origin },
    );
  }
  return editor.finish();
}

/** What inference-mode batch normalisation does to each channel: scale*x + shift. */
function scaleAndShift(editor: GraphEditor, node: Node): { scale: Float64Array; shift: Float64Array } | null {
  const vectors = node.inputs.slice(1).map((name) => editor.constant(name)?.data);
  const epsilon = node.attributes['epsilon'];
  const [gamma, beta, mean, variance] = vectors.map((data) => (data instanceof Float32Array ? data : null));
  if (!gamma || !beta || !mean || !variance || epsilon?.kind !== 'float') return null;
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c] + epsilon.value));
  return { scale, shift: Float64Array.from(beta, (b, c) => b - mean[c] * scale[c]) };
}

/** Puts the convolution with the normalisation of its output worked into filter and bias in the place of the latter. */
function fold(editor: GraphEditor, convolution: Node, norm: Node): void {
  const [x, filterName, biasName] = [...convolution.inputs, ''];
  const filter = editor.constant(filterName);
  const old = biasName === '' ? null : editor.constant(biasName);
  const affine = scaleAndShift(editor, norm);
  if (!affine || !(filter?.data instanceof Float32Array) || old === undefined) return;
  const { scale, shift } = affine;
  const perChannel = sizeOf(filter.shape) / filter.shape[0];
  const weights = filter.data.map((w, i) => w * scale[Math.floor(i / perChannel)]);
  const bias = Float32Array.from(shift, (s, c) => (old ? Number(old.data[c]) * scale[c] : 0) + s);
  const [output] = norm.outputs;
  const inputs = [
    x,
    editor.addConstant(`${output}/filter`, { ...filter, data: weights }),
    editor.addConstant(`${output}/bias`, { dtype: 'float32', shape: [bias.length], data: bias }),
  ];
  editor.replace(norm, { ...convolution, inputs, outputs: norm.outputs });
}

/** Works inference-mode batch normalisations into the constant convolutions before them. */
export function foldBatchNorm(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    const before = node.op === 'BatchNormalization' ? editor.producer(node.inputs[0]) : undefined;
    if (before?.op === 'Conv' && editor.readsOf(before.outputs[0]) === 1) fold(editor, before, node);
  }
  return editor.finish();
}
