import { intOf, intsOf, textOf, type OnnxNode } from '../onnx-nodes.js';
import { isNumber, type Dim, type Dims, type Known } from './dims.js';

/** How a window of a convolution or pooling moves over an image. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begins of all axes, then ends. */
  readonly pads: readonly number[];
}

/** The pads of one axis that TF's `same` stands for. */
function samePads(size: number, kernel: number, stride: number, dilation: number, upper: boolean): [number, number] {
  const span = (kernel - 1) * dilation + 1;
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size);
  const less = Math.floor(total / 2);
  return upper ? [less, total - less] : [total - less, less];
}

/**
 * The window of a node, its pads written out.
 * @param spatial extents of the image that it reads
 * @param kernel those of the weights, where the node does not say
 * @returns `undefined` where the pads are unknown, because they follow from extents that are
 */
export function windowOf(node: OnnxNode, spatial: Dims, kernel?: readonly number[]): Window | undefined {
  const size = intsOf(node, 'kernel_shape') ?? kernel;
  if (size?.length !== spatial.length) return undefined;
  const strides = intsOf(node, 'strides') ?? spatial.map(() => 1);
  const dilations = intsOf(node, 'dilations') ?? spatial.map(() => 1);
  const auto = textOf(node, 'auto_pad', 'NOTSET');
  if (auto === 'NOTSET' || auto === 'VALID') {
    const none = new Array<number>(2 * spatial.length).fill(0);
    return { kernel: size, strides, dilations, pads: auto === 'VALID' ? none : (intsOf(node, 'pads') ?? none) };
  }
  if (!spatial.every(isNumber)) return undefined;
  const pads = spatial.map((extent, i) => samePads(extent, size[i], strides[i], dilations[i], auto === 'SAME_UPPER'));
  return { kernel: size, strides, dilations, pads: [...pads.map(([begin]) => begin), ...pads.map(([, end]) => end)] };
}

function moved(spatial: Dims, window: Window | undefined, ceil: boolean): Dim[] {
  return spatial.map((extent, i) => {
    if (window === undefined || !isNumber(extent)) return null;
    const { kernel, strides, dilations, pads } = window;
    const steps = (extent + pads[i] + pads[i + spatial.length] - (kernel[i] - 1) * dilations[i] - 1) / strides[i];
    // Whether a last, partial window counts is for the runtime to say.
    return ceil && !Number.isInteger(steps) ? null : Math.floor(steps) + 1;
  });
}

export function convolutionDims({ node, dims }: Known): readonly (Dims | undefined)[] {
  const [x, weights] = [dims(0), dims(1)];
  if (x === undefined || weights?.length !== x.length) return [];
  const kernel = weights.slice(2);
  const window = windowOf(node, x.slice(2), kernel.every(isNumber) ? kernel : undefined);
  return [[x[0], weights[0], ...moved(x.slice(2), window, false)]];
}

export function poolDims({ node, dims }: Known): readonly (Dims | undefined)[] {
  const x = dims(0);
  if (x === undefined) return [];
  const window = windowOf(node, x.slice(2));
  return [[x[0], x[1], ...moved(x.slice(2), window, intOf(node, 'ceil_mode', 0) === 1)]];
}

export function globalPoolDims({ dims }: Known): readonly (Dims | undefined)[] {
  const x = dims(0);
  return x === undefined ? [] : [x.map((dim, axis) => (axis < 2 ? dim : 1))];
}
