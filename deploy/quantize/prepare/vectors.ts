import type { OnnxEditor } from '../editor.js';
import { onnxNode, type OnnxNode } from '../onnx-nodes.js';
import { isNumber, type Dims } from '../shapes/index.js';

/** A tensor that holds a vector of channels for each image: [N, C], or that with axes of extent 1 anywhere. */
export interface Vector {
  /** The tensor [N, C, 1, 1] that holds the same. */
  readonly image: string;
  readonly channels: number;
  readonly dims: Dims;
  /** Where the channels are among its axes. */
  readonly axis: number;
}

/** The axis of the channels in a tensor that holds nothing but a vector of them for each image. */
export function channelAxis(dims: Dims | undefined, channels: number): number | undefined {
  if (dims === undefined || dims.length < 2) return undefined;
  const long = [...dims.keys()].filter((axis) => dims[axis] !== 1);
  if (channels === 1) {
    // One channel: behind the batch, which may be 1 too.
    const batch = long.at(0) ?? 0;
    return long.length <= 1 && batch < dims.length - 1 ? dims.length - 1 : undefined;
  }
  const axis = long.at(-1);
  return axis !== undefined && axis > 0 && long.length <= 2 && dims[axis] === channels ? axis : undefined;
}

/** Whether two vectors lie alike, so that elements of one meet those of the other. */
export const lieAlike = (a: Vector, b: Vector): boolean =>
  a.channels === b.channels &&
  a.dims.length === b.dims.length &&
  a.dims.every((dim, i) => dim !== null && dim === b.dims[i]);

/** What gives a vector from its image. */
export function fromImage(editor: OnnxEditor, { image, dims, axis }: Vector, name: string): OnnxNode {
  if (dims.length === 2 && axis === 1) return onnxNode('Flatten', [image], [name]);
  const target = dims.map((dim) => (isNumber(dim) ? dim : -1));
  const shape = editor.addConstant(`${name}/shape`, [target.length], BigInt64Array.from(target, BigInt));
  return onnxNode('Reshape', [image, shape], [name]);
}

/** A constant for each channel, or one for all, as it is combined with the image of a vector; `undefined` for others. */
export function constantAsImage(editor: OnnxEditor, name: string, vector: Vector): string | undefined {
  const { dims, axis, channels } = vector;
  const values = editor.floats(name);
  const own = editor.dims(name) ?? [];
  const missing = dims.length - own.length;
  const isAlong = missing >= 0 && own.every((dim, i) => dim === 1 || (i + missing === axis && dim === channels));
  if (values === undefined || !isAlong) return undefined;
  return values.length === 1
    ? editor.addConstant(`${name}/one`, [], values)
    : editor.addConstant(`${name}/image`, [1, channels, 1, 1], values);
}
