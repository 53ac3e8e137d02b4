/** Rules that make pads part of windows, and means over images GlobalAveragePool. */
import {
  boundsOf,
  int,
  intOf,
  ints,
  intsOf,
  reducedAxes,
  windowOf,
  zerosAround,
  type NewNode,
  type OnnxNode,
} from '../../../compiler/index.js';
import { named, type Editor, type Replace, type Rules } from './values.js';

/** Whether a tensor has no negative values: a maximum then ignores zeros around it. */
function isPositive(editor: Editor, name: string): boolean {
  const node = editor.producer(name);
  return node !== undefined && (boundsOf(editor, node)?.[0] ?? -1) >= 0;
}

/** Moves pads into the window that follows, unless its results would change. */
const widened: Replace = (reader, { editor, nodes: [, pad] }) => {
  const around = zerosAround(editor, pad);
  const [x] = pad.inputs;
  const weights = reader.op === 'Conv' ? editor.constant(reader.inputs[1])?.shape.slice(2) : undefined;
  const window = windowOf(reader, editor.shape(pad.outputs[0])?.slice(2) ?? [], weights);
  if (around === undefined || window === undefined) return null;
  const pads = window.pads.map((own, i) => own + around[i]);
  const attributes = { kernel_shape: ints(window.kernel), strides: ints(window.strides), pads: ints(pads) };
  const made = (more: NonNullable<NewNode['attributes']>): readonly NewNode<string>[] => [
    named(reader, reader.op, [x, ...reader.inputs.slice(1)], reader.outputs, { ...attributes, ...more }),
  ];
  const dilations = ints(window.dilations);
  if (reader.op === 'Conv') return made({ dilations, group: int(intOf(reader, 'group', 1)) });
  if (intOf(reader, 'ceil_mode', 0) !== 0 || reader.outputs.length > 1) return null;
  const isSmall = pads.every((one, i) => one < window.kernel[i % 2]);
  if (reader.op === 'MaxPool') return isSmall && isPositive(editor, x) ? made({ dilations }) : null;
  const countsZeros = intOf(reader, 'count_include_pad', 0) === 1 || window.pads.every((own) => own === 0);
  const dilated = window.dilations.some((one) => one !== 1);
  return isSmall && countsZeros && !dilated ? made({ count_include_pad: int(1) }) : null;
};

/** Zeros around an image become the pads of the convolutions and poolings that read it. */
export const padsInside: Rules = [{ match: [['Conv', 'MaxPool', 'AveragePool'], 'Pad'], replace: widened }];

const keepsAxes = (node: OnnxNode): boolean => intOf(node, 'keepdims', 1) === 1;

/** The image that a tensor stores with its channels last; undefined for other tensors. */
export function channelsFirst(editor: Editor, name: string): string | undefined {
  const node = editor.producer(name);
  return node?.op === 'Transpose' && intsOf(node, 'perm')?.join() === '0,2,3,1' ? node.inputs[0] : undefined;
}

/** A mean over rows and columns: the image, and the form of the result. */
interface Mean {
  readonly image: string;
  readonly form: 'image' | 'vector' | 'channels last';
}

function meanOf(editor: Editor, node: OnnxNode): Mean | undefined {
  const [x] = node.inputs;
  const rank = editor.shape(x)?.length;
  if (rank === undefined) return undefined;
  const axes = reducedAxes(editor, node, rank);
  const kept = keepsAxes(node);
  if (rank === 4 && axes === '2,3') return { image: x, form: kept ? 'image' : 'vector' };
  const turned = rank === 4 && axes === '1,2' ? channelsFirst(editor, x) : undefined;
  if (turned !== undefined) return { image: turned, form: kept ? 'channels last' : 'vector' };
  // One axis after the other.
  const before = editor.producer(x);
  if (before?.op !== 'ReduceMean' || editor.only(x) !== node) return undefined;
  const inner = editor.shape(before.inputs[0])?.length === 4 ? reducedAxes(editor, before, 4) : undefined;
  if (kept || keepsAxes(before) || axes !== '2' || (inner !== '3' && inner !== '2')) return undefined;
  return { image: before.inputs[0], form: 'vector' };
}

const pooledMean: Replace = (node, { editor }) => {
  const mean = meanOf(editor, node);
  if (mean === undefined) return null;
  const { outputs } = node;
  const result = mean.form === 'image' ? outputs[0] : editor.fresh(`${outputs[0]}/pooled`);
  const pool = named(node, 'GlobalAveragePool', [mean.image], [result]);
  const forms: { readonly [F in Mean['form']]: readonly NewNode<string>[] } = {
    image: [pool],
    vector: [pool, { op: 'Flatten', inputs: [result], outputs }],
    'channels last': [pool, { op: 'Transpose', inputs: [result], outputs, attributes: { perm: ints([0, 2, 3, 1]) } }],
  };
  return forms[mean.form];
};

/** A pooling whose one window is the image. */
const wholePool: Replace = (node, { editor }) => {
  const spatial = editor.shape(node.inputs[0])?.slice(2) ?? [];
  const window = windowOf(node, spatial);
  const isWhole = spatial.length === 2 && window?.kernel.every((size, i) => size === spatial[i]) === true;
  if (!isWhole || window.pads.some((pad) => pad !== 0) || window.dilations.some((one) => one !== 1)) return null;
  return [named(node, 'GlobalAveragePool', node.inputs, node.outputs)];
};

/** Means over whole images become GlobalAveragePool, which has a kernel for bytes. */
export const poolMeans: Rules = [
  { match: ['ReduceMean'], replace: pooledMean },
  { match: ['AveragePool'], replace: wholePool },
];
