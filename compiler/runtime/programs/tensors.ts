import * as ort from 'onnxruntime-node';
import { invalidInput } from '../../../base/errors.js';
import { elementTypes, sizeOf, type Shape, type TfDType } from '../../graph/index.js';
import type { InputSpec } from '../../trace/trace.js';

/** A tensor in host memory, row-major. */
export interface HostTensor {
  readonly dtype: TfDType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** A value for a program's input: a tensor, its data in row-major order, or one number. */
export type Feed = HostTensor | Float32Array | Int32Array | number;

export type HostData = HostTensor['data'];
export type OrtTensor = ort.Tensor;

export const toOrt = (dtype: TfDType | 'uint32', data: HostData | Uint32Array, shape: Shape): ort.Tensor =>
  new ort.Tensor(dtype, data, shape);

/** Whether a tensor lies in the memory of a device; only sessions can read it. */
export const isOnDevice = ({ location }: ort.Tensor): boolean => location !== 'cpu';

/** Bytes of the tensors in host memory; a boolean takes one. */
export const hostBytes = (tensors: readonly ort.Tensor[]): number =>
  tensors.reduce((sum, tensor) => sum + (isOnDevice(tensor) ? 0 : (tensor.data as Uint8Array).byteLength), 0);

const isHostData = (data: unknown): data is HostData =>
  data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array;

export function fromOrt(tensor: ort.Tensor): HostTensor {
  const { type, data, dims } = tensor;
  if ((type === 'float32' || type === 'int32' || type === 'bool') && isHostData(data))
    return { dtype: type, shape: dims, data };
  throw new Error(`internal: a tensor of type ${type} came back`);
}

function convert(dtype: 'float32' | 'int32', data: HostData): Float32Array | Int32Array {
  const { array } = elementTypes[dtype];
  return data instanceof array ? data : array.from(data);
}

function shapeOfFeed(name: string, spec: InputSpec, feed: Exclude<Feed, number>): Shape {
  const data = isHostData(feed) ? feed : feed.data;
  const rest = sizeOf(spec.shape.map((d) => d ?? 1));
  const batch = data.length / rest;
  const shape = spec.shape.map((d) => d ?? batch);
  const given = isHostData(feed) ? shape : feed.shape;
  const fits = sizeOf(shape) === data.length && Number.isInteger(batch) && given.join() === shape.join();
  if (fits) return shape;
  const got = isHostData(feed) ? `${data.length} numbers` : `shape [${given.join(',')}]`;
  throw invalidInput(`input '${name}' takes shape [${spec.shape.map((d) => d ?? 'N').join(',')}], not ${got}`);
}

/** Feeds as tensors of ONNX Runtime; @throws NasError when a feed is missing or has the wrong shape. */
export const bindFeeds = (
  inputs: Readonly<Record<string, InputSpec>>,
  feeds: Readonly<Record<string, Feed>>,
): Record<string, ort.Tensor> =>
  Object.fromEntries(Object.entries(inputs).map(([name, spec]) => [name, feedToOrt(name, spec, feeds[name])]));

/** Results of a function by name. */
export const resultsOf = (
  names: readonly string[],
  results: Readonly<Record<string, ort.Tensor>>,
): Record<string, HostTensor> => Object.fromEntries(names.map((name) => [name, fromOrt(results[name])]));

function feedToOrt(name: string, spec: InputSpec, feed: Feed | undefined): ort.Tensor {
  if (feed === undefined) throw invalidInput(`input '${name}' is missing`);
  const dtype = spec.dtype ?? 'float32';
  const array = typeof feed === 'number' ? elementTypes[dtype].array.of(feed) : feed;
  const shape = shapeOfFeed(name, spec, array);
  return toOrt(dtype, convert(dtype, isHostData(array) ? array : array.data), shape);
}
