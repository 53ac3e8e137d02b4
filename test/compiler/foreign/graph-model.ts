import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../../base/random.js';
import { sizeOf } from '../../../compiler/index.js';

type Attributes = Readonly<Record<string, unknown>>;
const list = (...i: readonly number[]): Attributes => ({ list: { i: i.map(String) } });
const words = (...texts: readonly string[]): Attributes => ({
  list: { s: texts.map((text) => Buffer.from(text).toString('base64')) },
});
const word = (text: string): Attributes => ({ s: Buffer.from(text).toString('base64') });
const float = { type: 'DT_FLOAT' };
const window = { strides: list(1, 2, 2, 1), padding: word('SAME'), data_format: word('NHWC') };

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Attributes;
}
const node = (name: string, op: string, input: readonly string[], attr: Attributes = {}): GraphNode => ({
  name,
  op,
  input,
  attr: { T: float, ...attr },
});

/** Weights of the graph by name, and how each is stored. */
const weights = {
  'model/stem/kernel': { shape: [3, 3, 3, 6], dtype: 'uint8' },
  'model/stem/bias': { shape: [6], dtype: 'float32' },
  'model/depthwise/kernel': { shape: [3, 3, 6, 1], dtype: 'float16' },
  'model/depthwise/bias': { shape: [6], dtype: 'float32' },
  'model/norm/scale': { shape: [6], dtype: 'float32' },
  'model/norm/offset': { shape: [6], dtype: 'float32' },
  'model/norm/mean': { shape: [6], dtype: 'float32' },
  'model/norm/variance': { shape: [6], dtype: 'float32' },
  'model/dense/kernel': { shape: [6, 4], dtype: 'uint16' },
  'model/dense/bias': { shape: [4], dtype: 'float32' },
} as const;

const constant = (name: string): GraphNode => ({ name, op: 'Const', input: [], attr: { dtype: float } });
const numbers = (name: string, ...values: readonly number[]) => ({
  weight: { name, shape: [values.length], dtype: 'int32' },
  bytes: Buffer.from(new Int32Array(values).buffer),
  node: { ...constant(name), attr: { dtype: { type: 'DT_INT32' } } },
});

/** A graph as converters of TensorFlow write it: fused convolutions, a norm of its own, and a mean over the map. */
const graph: readonly GraphNode[] = [
  node('images', 'Placeholder', [], {
    dtype: float,
    shape: { shape: { dim: [-1, 8, 8, 3].map((size) => ({ size: String(size) })) } },
  }),
  node('model/stem/relu6', '_FusedConv2D', ['images', 'model/stem/kernel', 'model/stem/bias'], {
    ...window,
    dilations: list(1, 1, 1, 1),
    num_args: { i: '1' },
    fused_ops: words('BiasAdd', 'Relu6'),
  }),
  node(
    'model/depthwise/out',
    'FusedDepthwiseConv2dNative',
    ['model/stem/relu6', 'model/depthwise/kernel', 'model/depthwise/bias'],
    {
      ...window,
      strides: list(1, 1, 1, 1),
      dilations: list(1, 1, 1, 1),
      num_args: { i: '1' },
      fused_ops: words('BiasAdd'),
    },
  ),
  node(
    'model/norm/out',
    'FusedBatchNormV3',
    ['model/depthwise/out', ...['scale', 'offset', 'mean', 'variance'].map((one) => `model/norm/${one}`)],
    {
      epsilon: { f: 0.001 },
      data_format: word('NHWC'),
      is_training: { b: false },
      U: float,
    },
  ),
  node('model/add', 'AddV2', ['model/norm/out', 'model/stem/relu6']),
  node('model/mean', 'Mean', ['model/add', 'model/mean/axes'], { Tidx: { type: 'DT_INT32' }, keep_dims: { b: false } }),
  node('model/dense/out', '_FusedMatMul', ['model/mean', 'model/dense/kernel', 'model/dense/bias'], {
    transpose_a: { b: false },
    transpose_b: { b: false },
    num_args: { i: '1' },
    fused_ops: words('BiasAdd'),
  }),
  node('Identity', 'Softmax', ['model/dense/out']),
];

/** Numbers of a weight as they are stored, in bytes, and how to get floats from them. */
function stored(dtype: string, count: number, random: Random) {
  const bytes = (array: Uint8Array | Uint16Array | Float32Array): Buffer => Buffer.from(array.buffer);
  const draw = (most: number) => Array.from({ length: count }, () => Math.floor(random.uniform() * most));
  if (dtype === 'uint8')
    return { data: bytes(Uint8Array.from(draw(256))), quantization: { dtype, min: -0.5, scale: 1 / 256 } };
  if (dtype === 'uint16')
    return { data: bytes(Uint16Array.from(draw(65536))), quantization: { dtype, min: -1, scale: 2 / 65536 } };
  // Halves between 0.5 and 1.
  if (dtype === 'float16')
    return { data: bytes(Uint16Array.from(draw(1024), (n) => 0x3800 + n)), quantization: { dtype } };
  return { data: bytes(Float32Array.from(draw(1000), (n) => n / 1000 + 0.1)) };
}

/** Writes a graph model in two files of weights. */
export function writeGraph(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const random = new Random(5);
  const axes = numbers('model/mean/axes', 1, 2);
  const specs: object[] = [axes.weight];
  const parts: Buffer[] = [axes.bytes];
  for (const [name, { shape, dtype }] of Object.entries(weights)) {
    const { data, quantization } = stored(dtype, sizeOf(shape), random);
    specs.push({ name, shape, dtype: 'float32', ...(quantization && { quantization }) });
    parts.push(data);
  }
  const bytes = Buffer.concat(parts);
  const paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
  writeFileSync(join(folder, paths[0]), bytes.subarray(0, 100));
  writeFileSync(join(folder, paths[1]), bytes.subarray(100));
  const nodes = [axes.node, ...Object.keys(weights).map(constant), ...graph];
  const model = {
    format: 'graph-model',
    modelTopology: { node: nodes, versions: {} },
    weightsManifest: [{ paths, weights: specs }],
    userDefinedMetadata: { classes: ['a', 'b', 'c', 'd'] },
  };
  writeFileSync(join(folder, 'model.json'), JSON.stringify(model));
  return folder;
}
