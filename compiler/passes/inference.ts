/** Rules for inference with constant weights: as few operators as possible, and standard ones only. */
import { affineOfNorm, attributeList, int, intOf, ints, intsOf, sizeOf } from '../graph/index.js';
import type { Attributes, Constant, GraphEditor, Match, Node, Replacement, Rule } from '../graph/index.js';
import { rearranged } from './constants.js';

const fold: Rule['replace'] = (node, { editor }) => {
  const data = rearranged(node, editor);
  const type = editor.type(node.outputs[0]);
  return data && type && !editor.isOutput(node.outputs[0]) ? { constant: { ...type, data } } : null;
};

/** Reshape and Transpose of constants are computed now. */
export const foldConstants: readonly Rule[] = [{ match: [['Reshape', 'Transpose']], replace: fold }];

/** A convolution of some consecutive channels of a map. */
interface ChannelConvolution {
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
function channelConvolution(editor: GraphEditor, name: string): ChannelConvolution | null {
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
function areGroups(editor: GraphEditor, parts: readonly ChannelConvolution[]): boolean {
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

/** The numbers of filters, one filter after the other. */
function stacked(filters: readonly Constant[]): Float32Array {
  const data = new Float32Array(filters.reduce((sum, filter) => sum + sizeOf(filter.shape), 0));
  let offset = 0;
  for (const filter of filters) {
    data.set(Float32Array.from(filter.data, Number), offset);
    offset += filter.data.length;
  }
  return data;
}

function grouped(node: Node, { editor }: Match): Replacement {
  const parts = node.inputs.map((name) => channelConvolution(editor, name));
  if (intOf(node, 'axis', 0) !== 1 || !parts.every((part) => part !== null)) return null;
  if (parts.length < 2 || !areGroups(editor, parts)) return null;
  const filters = parts.map((part) => part.filter);
  const [{ shape }] = filters;
  const filter = editor.addConstant(
    `${node.outputs[0]}/groups`,
    shape.with(0, shape[0] * parts.length),
    stacked(filters),
  );
  const [{ node: first, map }] = parts;
  const attributes = { ...first.attributes, group: int(parts.length) };
  return [{ ...first, inputs: [map, filter], outputs: node.outputs, attributes }];
}

/**
 * Merges convolutions of slices of one map, whose outputs are concatenated, into one grouped convolution: models without a
 * layer for groups spell it this way.
 */
export const groupConvolutions: readonly Rule[] = [{ match: ['Concat'], replace: grouped }];

const toNhwc = [0, 2, 3, 1];
const toNchw = [0, 3, 1, 2];
const turn = [0, 1, 2, 4, 3];

const hasPerm = (node: Node, expected: readonly number[]): boolean => String(intsOf(node, 'perm')) === String(expected);

function shuffled(last: Node, { editor, nodes }: Match): Replacement {
  const [, merge, swap, split, first] = nodes;
  if (!hasPerm(last, toNchw) || !hasPerm(swap, turn) || !hasPerm(first, toNhwc)) return null;
  const map = first.inputs[0];
  const [, channels, height, width] = editor.shapeOf(map);
  const table = editor.shapeOf(split.outputs[0]);
  const merged = editor.shapeOf(merge.outputs[0]);
  if (table.length !== 5 || merged.length !== 4) return null;
  const [, rows, columns, groups, size] = table;
  const keeps = rows === height && columns === width && groups * size === channels;
  if (!keeps || merged[1] !== height || merged[2] !== width || merged[3] !== channels) return null;
  const { outputs, origin } = last;
  const [tableName, turned] = ['table', 'turned'].map((name) => `${outputs[0]}/${name}`);
  const toTable = editor.addIntegers(`${outputs[0]}/split`, [0, groups, size, height, width]);
  const toMap = editor.addIntegers(`${outputs[0]}/merge`, [0, channels, height, width]);
  const attributes = { perm: ints([0, 2, 1, 3, 4]) };
  return [
    { op: 'Reshape', inputs: [map, toTable], outputs: [tableName], origin },
    { op: 'Transpose', inputs: [tableName], outputs: [turned], attributes, origin },
    { op: 'Reshape', inputs: [turned, toMap], outputs, origin },
  ];
}

/**
 * Shuffles channels in NCHW: a channel shuffle is recorded in NHWC, between two transpositions of whole maps, which its
 * own transposition, of rows of pixels, makes superfluous.
 */
export const shuffleChannels: readonly Rule[] = [
  { match: ['Transpose', 'Reshape', 'Transpose', 'Reshape', 'Transpose'], replace: shuffled },
];

/** The convolution with the normalisation of its output folded into filter and bias. */
function normalised(norm: Node, { editor, nodes: [, convolution] }: Match): Replacement {
  const [x, filterName, biasName] = [...convolution.inputs, ''];
  const filter = editor.constant(filterName);
  const old = biasName === '' ? null : editor.constant(biasName);
  const affine = affineOfNorm(editor, norm);
  if (!affine || !(filter?.data instanceof Float32Array) || old === undefined) return null;
  const { scale, shift } = affine;
  const perChannel = sizeOf(filter.shape) / filter.shape[0];
  const weights = filter.data.map((w, i) => w * scale[Math.floor(i / perChannel)]);
  const bias = Float32Array.from(shift, (s, c) => (old ? Number(old.data[c]) * scale[c] : 0) + s);
  const [output] = norm.outputs;
  const inputs = [
    x,
    editor.addConstant(`${output}/filter`, filter.shape, weights),
    editor.addConstant(`${output}/bias`, [bias.length], bias),
  ];
  return [{ ...convolution, inputs, outputs: norm.outputs }];
}

/** Inference-mode batch normalisations become part of the constant convolutions before them. */
export const foldBatchNorm: readonly Rule[] = [
  { match: ['BatchNormalization', 'Conv'], alone: true, replace: normalised },
];
