import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType as Kind, ModelProtoSchema, TensorProto_DataType } from 'onnx-buf';
import { Random } from '../../base/random.js';
import { type LearningTask, type RowTask } from '../../base/task.js';
import type { ImageLayout, OutputKind } from '../../compiler/runtime/classifier/inputs-outputs.js';
import { portInit, type GraphInit } from '../../compiler/onnx/model.js';
import { metadataProps } from '../../deploy/metadata.js';
import { defaultDecoding } from '../../base/preprocess.js';
import type { Frontier, ImageSize, Model, Normalisation } from '../../serve/models/model.js';

export interface TinyNetwork {
  readonly name: string;
  /** Number of `filters` x `filters` convolutions at half resolution, which sets the cost. */
  readonly depth: number;
  readonly filters: number;
  readonly size: ImageSize;
  readonly layout: ImageLayout;
  /** The fixed batch size; null: any. */
  readonly batch: number | null;
  readonly outputs: OutputKind;
  readonly task: Extract<LearningTask, { readonly type: RowTask }>;
  readonly classes: readonly string[];
  /** Test accuracy; null: none in the metadata. */
  readonly accuracy: number | null;
  /** Null: no metadata of this package. */
  readonly normalisation: Normalisation | null;
}

const grey: Omit<TinyNetwork, 'name'> = {
  depth: 0,
  filters: 4,
  size: [28, 28, 1],
  layout: 'NHWC',
  batch: null,
  outputs: 'logits',
  task: { type: 'classification' },
  classes: ['cat', 'dog', 'ship'],
  accuracy: 0.5,
  normalisation: { mean: [0.25], std: [0.5] },
};

const colour: Omit<TinyNetwork, 'name'> = {
  ...grey,
  size: [32, 32, 3],
  normalisation: { mean: [0.5, 0.25, 0.375], std: [0.25, 0.5, 0.75] },
};

export const greyNetwork = (options: Pick<TinyNetwork, 'name'> & Partial<TinyNetwork>): TinyNetwork => ({
  ...grey,
  ...options,
});

export const colourNetwork = (options: Pick<TinyNetwork, 'name'> & Partial<TinyNetwork>): TinyNetwork => ({
  ...colour,
  ...options,
});

/** Three networks of rising accuracy and cost: about 0.02, 0.1 and 0.5 ms an image. */
export const greyNetworks: readonly TinyNetwork[] = [
  greyNetwork({ name: 'trial-1', accuracy: 0.6 }),
  greyNetwork({ name: 'trial-2', accuracy: 0.7, depth: 2, filters: 16 }),
  greyNetwork({ name: 'trial-3', accuracy: 0.8, depth: 4, filters: 24, outputs: 'probabilities' }),
];

/** The same for colour images, in both layouts. */
export const colourNetworks: readonly TinyNetwork[] = [
  colourNetwork({ name: 'trial-4', accuracy: 0.6, layout: 'NCHW' }),
  colourNetwork({ name: 'trial-5', accuracy: 0.75, depth: 2, filters: 16 }),
];

const probabilities: { readonly [T in RowTask]: string } = {
  classification: 'Softmax',
  'multi-label': 'Sigmoid',
  regression: 'Identity',
};

/** Files that were already built: many tests serve the same networks. */
const built = new Map<string, Uint8Array>();

/** The ONNX file: convolutions with weights seeded by the network's name, global average pooling, a matrix product. */
export function tinyNetwork(network: TinyNetwork): Uint8Array {
  const key = JSON.stringify(network);
  const file = built.get(key) ?? build(network);
  built.set(key, file);
  return file;
}

function build(network: TinyNetwork): Uint8Array {
  const { name, depth, filters, layout, batch, classes, size, task } = network;
  const [height, width, channels] = size;
  const random = new Random(1, 'weights', name);
  const initializer: {
    name: string;
    dims: bigint[];
    dataType: TensorProto_DataType;
    rawData: Uint8Array<ArrayBuffer>;
  }[] = [];
  const weights = (...dims: number[]): string => {
    const fanIn = dims.slice(1).reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: dims[0] * fanIn }, () => random.normal() * Math.sqrt(2 / fanIn));
    const id = `weights${initializer.length}`;
    const rawData = new Uint8Array(values.buffer);
    initializer.push({ name: id, dims: dims.map(BigInt), dataType: TensorProto_DataType.FLOAT, rawData });
    return id;
  };
  const ints = (attribute: string, ...values: number[]) => ({
    name: attribute,
    type: Kind.INTS,
    ints: values.map(BigInt),
  });
  const output = network.outputs;
  const convolution = (input: string, i: number, from: number, stride: number) => [
    {
      opType: 'Conv',
      input: [input, weights(filters, from, 3, 3)],
      output: [`conv${i}`],
      attribute: [ints('pads', 1, 1, 1, 1), ints('strides', stride, stride)],
    },
    { opType: 'Relu', input: [`conv${i}`], output: [`relu${i}`] },
  ];
  return fileOf(network, {
    name,
    node: [
      layout === 'NHWC'
        ? { opType: 'Transpose', input: ['input'], output: ['image'], attribute: [ints('perm', 0, 3, 1, 2)] }
        : { opType: 'Identity', input: ['input'], output: ['image'] },
      ...convolution('image', 0, channels, 2),
      ...Array.from({ length: depth }, (_, i) => convolution(`relu${i}`, i + 1, filters, 1)).flat(),
      { opType: 'GlobalAveragePool', input: [`relu${depth}`], output: ['pooled'] },
      { opType: 'Flatten', input: ['pooled'], output: ['flat'] },
      { opType: 'MatMul', input: ['flat', weights(filters, classes.length)], output: ['scores'] },
      {
        opType: output === 'probabilities' ? probabilities[task.type] : 'Identity',
        input: ['scores'],
        output: [output],
      },
    ],
    initializer,
    input: [
      portInit('input', 'float32', [
        batch ?? 'N',
        ...(layout === 'NHWC' ? [height, width, channels] : [channels, height, width]),
      ]),
    ],
    output: [portInit(output, 'float32', [batch ?? 'N', classes.length])],
  });
}

/** The ONNX file of a graph, with the metadata of a network. */
function fileOf(network: TinyNetwork, graph: GraphInit): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'test',
    opsetImport: [{ domain: '', version: 18n }],
    metadataProps: Object.entries(propsOf(network)).map(([key, value]) => ({ key, value })),
    graph,
  });
  return toBinary(ModelProtoSchema, model);
}

function propsOf({ classes, task, layout, size, normalisation, accuracy }: TinyNetwork): Record<string, string> {
  if (normalisation === null) return {};
  return metadataProps({
    classes,
    ...(task.type !== 'classification' && { task }),
    layout,
    input: size,
    ...normalisation,
    nas_version: '0.1.0',
    created: '2026-01-02T03:04:05.000Z',
    precision: 'fp32',
    ...(accuracy !== null && { accuracy: { test: accuracy } }),
  });
}

/** The ONNX file of a network whose loop never ends. */
export function endlessNetwork(network: TinyNetwork): Uint8Array {
  const { size, classes } = network;
  const count = size.reduce((a, b) => a * b, 1);
  return fileOf(network, {
    name: network.name,
    node: [
      { opType: 'Flatten', input: ['input'], output: ['flat'] },
      { opType: 'MatMul', input: ['flat', 'weights'], output: ['scores'] },
      {
        opType: 'Loop',
        input: ['', 'true', 'scores'],
        output: ['logits'],
        attribute: [
          {
            name: 'body',
            type: Kind.GRAPH,
            g: {
              name: 'body',
              node: [
                { opType: 'Identity', input: ['goes_on'], output: ['goes_on_again'] },
                { opType: 'Relu', input: ['state'], output: ['next'] },
              ],
              input: [
                portInit('step', 'int64', []),
                portInit('goes_on', 'bool', []),
                portInit('state', 'float32', ['N', classes.length]),
              ],
              output: [portInit('goes_on_again', 'bool', []), portInit('next', 'float32', ['N', classes.length])],
            },
          },
        ],
      },
    ],
    initializer: [
      {
        name: 'weights',
        dataType: TensorProto_DataType.FLOAT,
        dims: [BigInt(count), BigInt(classes.length)],
        rawData: new Uint8Array(4 * count * classes.length),
      },
      { name: 'true', dataType: TensorProto_DataType.BOOL, rawData: Uint8Array.of(1) },
    ],
    input: [portInit('input', 'float32', ['N', ...size])],
    output: [portInit('logits', 'float32', ['N', classes.length])],
  });
}

/** Writes `<name>.onnx` into a folder and returns the server's description. */
export function writeNetwork(folder: string, network: TinyNetwork): Model {
  const { name, size, layout, batch, outputs, normalisation, accuracy } = network;
  const task = network.task.type;
  const content = tinyNetwork(network);
  const file = join(folder, `${name}.onnx`);
  writeFileSync(file, content);
  const own = normalisation !== null;
  return {
    name,
    version: 1,
    file,
    sha256: createHash('sha256').update(content).digest('hex'),
    bytes: content.byteLength,
    size,
    layout,
    input: 'input',
    output: outputs,
    kind: task === 'classification' && outputs === 'logits' ? null : outputs,
    task,
    maps: null,
    batch,
    normalisation,
    classes: own ? network.classes : network.classes.map((_, i) => `${i}`),
    accuracy: own ? accuracy : null,
    precision: 'fp32',
    decoding: defaultDecoding,
  };
}

/** A frontier: the scheduler chooses among the models of known accuracy. */
export function frontierOf(models: readonly Model[]): Frontier {
  const choice = models.length === 1 ? models : models.filter(({ accuracy }) => accuracy !== null);
  return { models: models.toSorted((a, b) => (a.name < b.name ? -1 : 1)), choice };
}

/** Writes networks into a folder, `trial-1.onnx` and so on, and returns their frontier. */
export const writeFrontier = (folder: string, networks: readonly TinyNetwork[] = greyNetworks): Frontier =>
  frontierOf(networks.map((network) => writeNetwork(folder, network)));

/** Bytes [height, width, channels] of an image of coarse noise blocks, as distinct as photographs. */
export function pixelsOf([height, width, channels]: ImageSize, seed: number): Uint8Array {
  const random = new Random(seed, 'pixels');
  const block = 4;
  const columns = Math.ceil(width / block);
  const colours = Uint8Array.from({ length: Math.ceil(height / block) * columns * channels }, () => random.int(256));
  return Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const c = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    return colours[(Math.floor(y / block) * columns + Math.floor(x / block)) * channels + c];
  });
}
