import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType as Type,
  TensorProtoSchema,
  type GraphProto,
  type ModelProto,
  type TensorProto,
} from 'onnx-buf';
import { zipOf, type ZipEntry } from '../../support/zip.js';
import { port } from '../support/onnx-models.js';

/** Readable files that the others are made of. */
export interface RealFiles {
  /** An ONNX classifier of ten classes. */
  readonly onnx: string;
  /** Folders of TF.js models. */
  readonly layers: string;
  readonly graph: string;
  /** A LiteRT file. */
  readonly tflite: string;
}

/** What reads files of other programs. */
export const readers = ['tune', 'teacher', 'train.from', 'evaluate', 'quantize', 'export'] as const;
export type Reader = (typeof readers)[number];

/** `make` writes the file into a folder and returns its path; all readers refuse it, or those of `by`. */
export type Unreadable = readonly [
  make: (folder: string, real: RealFiles) => string,
  message: RegExp,
  by?: readonly Reader[],
];

type Bytes = Uint8Array | string;

const written = (folder: string, name: string, content: Bytes): string => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
};

/** A file with this name and content. */
const file =
  (name: string, content: Bytes | ((real: RealFiles) => Bytes)) =>
  (folder: string, real: RealFiles): string =>
    written(folder, name, typeof content === 'function' ? content(real) : content);

const emptyFolder =
  (name: string) =>
  (folder: string): string => {
    const path = join(folder, name);
    mkdirSync(path);
    return path;
  };

const html = '<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>Not found</body></html>\n';
const png = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0', 'latin1');
const hdf = Buffer.concat([Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), Buffer.alloc(200)]);
const savedModel = Buffer.from('\x08\x01\x12\x04\x0a\x02\x0a\0', 'latin1');
const pickle = Buffer.from('\x80\x02}q\0(X\x0c\0\0\0conv1.weight', 'latin1');
const lfs =
  'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32\nsize 12345\n';
const safetensors = Buffer.concat([
  Buffer.from([80, 0, 0, 0, 0, 0, 0, 0]),
  Buffer.from(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}${' '.repeat(30)}`),
]);

const bytesOf = (real: RealFiles): Buffer => readFileSync(real.onnx);

type Change = (model: ModelProto, graph: GraphProto) => unknown;

/** The ONNX file with a change. */
const changed =
  (change: Change) =>
  (folder: string, real: RealFiles): string => {
    const model = fromBinary(ModelProtoSchema, bytesOf(real));
    if (model.graph === undefined) throw new Error('no graph');
    change(model, model.graph);
    return written(folder, 'model.onnx', toBinary(ModelProtoSchema, model));
  };

/** A node before the first one, which reads the images. */
const before =
  (opType: string, domain = '', inputs: readonly string[] = []): Change =>
  (_, graph) => {
    const images = graph.input[0].name;
    for (const node of graph.node) node.input = node.input.map((name) => (name === images ? 'before' : name));
    graph.node.unshift({
      ...structuredClone(graph.node[0]),
      name: 'first',
      opType,
      domain,
      input: [images, ...inputs],
      output: ['before'],
      attribute: [],
    });
  };

const input =
  (elemType: Type, dims?: readonly (number | string)[]): Change =>
  (_, graph) =>
    graph.input.splice(0, 1, port(graph.input[0].name, elemType, dims));

/** The first weight, changed. */
const weight =
  (change: (tensor: TensorProto) => Partial<TensorProto>): Change =>
  (_, graph) => {
    const first = graph.initializer.find(({ dims }) => dims.length > 1) ?? graph.initializer[0];
    Object.assign(first, change(first));
  };

/** A node with a graph of its own before the first one. */
const branching =
  (op: string): Change =>
  (model, graph) => {
    before(op)(model, graph);
    graph.node[0].attribute = [
      create(AttributeProtoSchema, { name: 'body', type: Kind.GRAPH, g: create(GraphProtoSchema, { name: 'body' }) }),
    ];
  };

interface ModelJson {
  format?: string;
  modelTopology?: Record<string, unknown>;
  weightsManifest?: {
    paths: string[];
    weights: { name: string; shape: unknown[]; dtype: string; quantization?: unknown }[];
  }[];
}

const copied = (from: string, to: string): void => {
  mkdirSync(to, { recursive: true });
  const { weightsManifest = [] } = JSON.parse(readFileSync(join(from, 'model.json'), 'utf8')) as ModelJson;
  for (const name of ['model.json', ...weightsManifest.flatMap(({ paths }) => paths)])
    copyFileSync(join(from, name), join(to, name));
};

/** A TF.js model whose model.json, or another file, is changed. */
const tfjs =
  (kind: 'layers' | 'graph', change: (json: ModelJson, folder: string) => unknown) =>
  (folder: string, real: RealFiles): string => {
    const own = join(folder, 'model');
    copied(real[kind], own);
    const path = join(own, 'model.json');
    const json = JSON.parse(readFileSync(path, 'utf8')) as ModelJson;
    const instead = change(json, own);
    writeFileSync(path, typeof instead === 'string' ? instead : JSON.stringify(json));
    return own;
  };

interface Layer {
  class_name: string;
  config: Record<string, unknown>;
}
const layersOf = (json: ModelJson): Layer[] => ((json.modelTopology ?? {})['config'] as { layers: Layer[] }).layers;

/** A Keras model of layers one after the other. */
const sequential =
  (...layers: readonly Layer[]) =>
  (json: ModelJson): void => {
    const config = { name: 'own', layers };
    json.modelTopology = { model_config: { class_name: 'Sequential', config } };
    json.weightsManifest = [];
  };
const first = { batch_input_shape: [null, 10, 10, 1] };

interface GraphNode {
  name: string;
  op: string;
  input?: string[];
  attr?: object;
}
const nodesOf = (json: ModelJson): GraphNode[] => json.modelTopology?.['node'] as GraphNode[];
const operation = (json: ModelJson, name: string) => nodesOf(json).find(({ op }) => op === name) as GraphNode;
const specsOf = (json: ModelJson) => (json.weightsManifest ?? []).flatMap(({ weights }) => weights);

const without =
  (operation: string) =>
  (json: ModelJson): unknown =>
    Object.assign(json.modelTopology ?? {}, { node: nodesOf(json).filter(({ op }) => op !== operation) });

/** A .zip of a model, with other entries. */
const zipped =
  (change: (model: ZipEntry, weights: ZipEntry) => readonly ZipEntry[]) =>
  (folder: string, real: RealFiles): string => {
    const entry = (name: string): ZipEntry => ({ name, content: readFileSync(join(real.layers, name)) });
    return written(folder, 'model.zip', zipOf(change(entry('model.json'), entry('weights.bin'))));
  };

/** An entry that unpacks to 400 MB, without a checksum. */
const bomb = { content: new Uint8Array(1_000_000), times: 400, crc: 0 };

const cut = /is not an ONNX model/;

export const unreadable: Readonly<Record<string, Unreadable>> = {
  'no file': [(folder) => join(folder, 'lost.onnx'), /lost\.onnx: cannot be read: .*no such file/i],
  'a link to nothing': [
    (folder) => {
      symlinkSync(join(folder, 'nowhere'), join(folder, 'link.onnx'));
      return join(folder, 'link.onnx');
    },
    /cannot be read/,
  ],
  'an empty file': [file('empty.onnx', ''), /is not an ONNX model: it is empty/],
  'one byte': [file('one.onnx', '\x08'), cut],
  'the first half of a file': [file('half.onnx', (real) => bytesOf(real).subarray(0, bytesOf(real).length / 2)), cut],
  'a file without its last byte': [file('cut.onnx', (real) => bytesOf(real).subarray(0, -1)), cut],
  'a damaged file': [
    file('damaged.onnx', (real) => bytesOf(real).map((byte, i) => (i % 7 === 3 ? byte ^ 0x55 : byte))),
    /damaged\.onnx/,
  ],
  'a page of a server': [file('model.onnx', html), /is not an ONNX model: it is a page \(HTML\)/],
  'a text': [file('readme.onnx', '# A model\nDownload the weights from here.\n'), cut],
  'a picture': [file('picture.onnx', png), /it is a picture/],
  'a pointer of Git LFS': [file('pointer.onnx', lfs), /it is a pointer of Git LFS/],
  'a compressed file': [file('model.onnx.gz', (real) => gzipSync(bytesOf(real))), /it is compressed \(gzip\)/],
  'a checkpoint of PyTorch': [
    file(
      'model.pt',
      zipOf([
        { name: 'model/data.pkl', content: pickle },
        { name: 'model/version', content: Buffer.from('3\n') },
      ]),
    ),
    /it is a checkpoint of PyTorch/,
  ],
  'an old checkpoint of PyTorch': [file('model.pth', pickle), /it is a checkpoint of PyTorch/],
  safetensors: [file('model.safetensors', safetensors), /it is a safetensors file/],
  'a file of Keras (.h5)': [file('model.h5', hdf), /it is a Keras model \(HDF5\)/],
  'a file of Keras (.keras)': [
    file(
      'model.keras',
      zipOf([
        { name: 'config.json', content: Buffer.from('{}') },
        { name: 'model.weights.h5', content: hdf },
      ]),
    ),
    /it is a Keras model/,
  ],
  'a LiteRT file': [
    (folder, real) => written(folder, 'model.tflite', readFileSync(real.tflite)),
    /it is a LiteRT file/,
    readers.filter((reader) => reader !== 'evaluate'),
  ],
  'a SavedModel': [
    (folder) => {
      written(folder, 'saved/variables/variables.index', 'x');
      return dirname(written(folder, 'saved/saved_model.pb', savedModel));
    },
    /is a SavedModel of TensorFlow|holds neither model|no run in this folder/,
  ],
  'the graph of a SavedModel': [file('saved_model.pb', savedModel), cut],
  'an empty folder': [emptyFolder('empty'), /empty/],
  'a folder of other things': [(folder) => dirname(written(folder, 'photos/one.png', png)), /photos/],
  'a folder that is called model.onnx': [emptyFolder('model.onnx'), /model\.onnx/],
  'an archive of an ONNX file': [
    (folder, real) =>
      written(folder, 'model.zip', zipOf([{ name: 'model.onnx', content: new Uint8Array(bytesOf(real)) }])),
    /it has no model\.json/,
  ],
  'weights in another file': [
    changed(weight(() => ({ dataLocation: TensorProto_DataLocation.EXTERNAL, rawData: new Uint8Array() }))),
    /keeps the data of .* in another file/,
  ],
  'weights that are too short': [changed(weight((one) => ({ rawData: one.rawData.subarray(0, -4) }))), /weight|data/],
  'weights of a negative size': [changed(weight((one) => ({ dims: [-4n, ...one.dims.slice(1)] }))), /model\.onnx/],
  'weights of an unknown type': [changed(weight(() => ({ dataType: 99 }))), /model\.onnx/],
  'weights of float16': [
    changed((_, graph) =>
      graph.initializer.push(
        create(TensorProtoSchema, { name: 'half', dims: [2n, 2n], dataType: Type.FLOAT16, rawData: new Uint8Array(8) }),
      ),
    ),
    /constants of float16/,
    ['tune', 'train.from', 'quantize', 'export'],
  ],
  'images of float64': [changed(input(Type.DOUBLE, ['N', 10, 10, 1])), /takes .*double.*, not float32/],
  'images of bytes': [changed(input(Type.UINT8, ['N', 10, 10, 1])), /takes .*uint8.*, not float32/],
  'images of an unknown rank': [changed(input(Type.FLOAT)), /takes .*, which has not the four dimensions/],
  tokens: [changed(input(Type.INT64, ['N', 128])), /takes .*int64.*, not float32/],
  'a video': [changed(input(Type.FLOAT, ['N', 16, 10, 10, 1])), /four dimensions/],
  'no images': [changed(input(Type.FLOAT, [0, 10, 10, 1])), /fixed at 0 images/],
  'two inputs': [
    changed((_, graph) => graph.input.push(port('mask', Type.FLOAT, ['N', 8]))),
    /has 2 inputs \(.*\), not one/,
  ],
  'no input': [changed((_, graph) => graph.input.splice(0)), /'input', which nothing computes|has 0 inputs/],
  'two outputs': [
    changed((_, graph) => graph.output.push(port(graph.node[0].output[0], Type.FLOAT))),
    /has 2 outputs \(.*\), not one/,
  ],
  'no output': [changed((_, graph) => graph.output.splice(0)), /has 0 outputs/],
  'no nodes': [changed((_, graph) => graph.node.splice(0)), /model\.onnx/],
  'no opset': [changed((model) => model.opsetImport.splice(0)), /model\.onnx/],
  'an opset of the future': [
    changed((model) => Object.assign(model.opsetImport[0], { version: 999n })),
    /model\.onnx.*999/,
  ],
  'an unknown operator': [changed(before('Attend')), /Attend/],
  'an operator of another program': [changed(before('NmsPlugin', 'com.example')), /NmsPlugin/],
  'a recurrent layer': [changed(before('LSTM')), /LSTM/],
  'a loop': [changed(branching('Loop')), /Loop/],
  'a detector': [changed(before('NonMaxSuppression')), /NonMaxSuppression/],
  'a circle': [
    changed((_, graph) => {
      graph.node[0].input = [graph.node.at(-1)?.output[0] ?? '', ...graph.node[0].input.slice(1)];
    }),
    /model\.onnx/,
  ],
  'a value that nothing computes': [changed((_, graph) => graph.node.shift()), /model\.onnx/],
  'quantized numbers': [changed(before('DynamicQuantizeLinear')), /DynamicQuantizeLinear/, ['tune']],
  'a page of a server as model.json': [
    tfjs('layers', () => html),
    /model\.json cannot be loaded: it is a page \(HTML\)/,
  ],
  'an empty model.json': [tfjs('layers', () => ''), /model\.json cannot be loaded: it is empty/],
  'half of a model.json': [
    tfjs('graph', (json) => JSON.stringify(json).slice(0, 900)),
    /model\.json cannot be loaded: model\.json is not JSON/,
  ],
  'another model.json': [tfjs('layers', () => '{"name": "package", "version": "1.0.0"}'), /it has no modelTopology/],
  'a list as model.json': [tfjs('layers', () => '[1, 2, 3]'), /cannot be loaded/],
  'a deep model.json': [
    tfjs('layers', () => `{"modelTopology": ${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}, "weightsManifest": []}`),
    /cannot be loaded/,
  ],
  'weights without a network': [tfjs('layers', (json) => delete json.modelTopology), /modelTopology/],
  'a network without weights': [tfjs('graph', (json) => delete json.weightsManifest), /has no weightsManifest/],
  'a missing shard': [
    tfjs('graph', (json) => json.weightsManifest?.[0].paths.push('group1-shard3of3.bin')),
    /group1-shard3of3\.bin is missing/,
  ],
  'a short shard': [
    tfjs('graph', (_, own) => writeFileSync(join(own, 'group1-shard2of2.bin'), '')),
    /weights?.* bytes/,
  ],
  'long weights': [
    tfjs('layers', (_, own) => writeFileSync(join(own, 'weights.bin'), new Uint8Array(10_000_000))),
    /weights?.* bytes/,
  ],
  'a shard outside of the folder': [
    tfjs('layers', (json) => json.weightsManifest?.[0].paths.splice(0, 1, '../../secret.bin')),
    /secret\.bin/,
  ],
  'a shard on a server': [
    tfjs('layers', (json) => json.weightsManifest?.[0].paths.splice(0, 1, 'https://example.com/w.bin')),
    /https:\/\/example\.com\/w\.bin/,
  ],
  'weights of an unknown dtype': [
    tfjs('graph', (json) => Object.assign(specsOf(json)[1], { dtype: 'float8' })),
    /float8/,
  ],
  'a quantization that is unknown': [
    tfjs('graph', (json) => Object.assign(specsOf(json)[1], { quantization: { dtype: 'int3', min: 0, scale: 1 } })),
    /int3/,
  ],
  'a shape of minus one': [
    tfjs('graph', (json) => Object.assign(specsOf(json)[1], { shape: [-1, 3] })),
    /cannot be loaded/,
  ],
  'an unknown layer': [
    tfjs('layers', (json) => Object.assign(layersOf(json)[1], { class_name: 'MyAttention' })),
    /MyAttention/,
  ],
  'a recurrent network of Keras': [
    tfjs('layers', sequential({ class_name: 'LSTM', config: { units: 4, batch_input_shape: [null, 5, 3] } })),
    /model/,
  ],
  'a Keras network without weights': [
    tfjs('layers', sequential({ class_name: 'Flatten', config: first }, { class_name: 'Dense', config: { units: 3 } })),
    /weight/,
  ],
  'a Keras network of vectors': [
    tfjs('layers', sequential({ class_name: 'Flatten', config: { batch_input_shape: [null, 12] } })),
    /model/,
  ],
  'a graph without an input': [tfjs('graph', without('Placeholder')), /cannot be loaded/],
  'a graph with a branch': [
    tfjs('graph', (json) => Object.assign(operation(json, 'Mean'), { op: 'StatelessIf' })),
    /cannot be loaded/,
  ],
  'a graph with an unknown operation': [
    tfjs('graph', (json) => Object.assign(operation(json, 'Mean'), { op: 'DecodeJpeg' })),
    /DecodeJpeg/,
  ],
  'a graph that lacks a node': [
    tfjs('graph', without('Mean')),
    /model\/dense\/out reads model\/mean, which is not there/,
  ],
  'a graph in a circle': [
    tfjs('graph', (json) => Object.assign(operation(json, 'AddV2'), { input: ['model/add', 'model/norm/out'] })),
    /cannot be loaded/,
  ],
  'a graph of two outputs': [
    tfjs('graph', (json) =>
      nodesOf(json).push({ name: 'Second', op: 'Relu', input: ['model/dense/out'], attr: { T: { type: 'DT_FLOAT' } } }),
    ),
    /2 outputs/,
  ],
  'an empty archive': [file('model.zip', zipOf([])), /it has no model\.json/],
  'a text that is called .zip': [file('model.zip', 'not an archive'), /the archive .* cannot be read/],
  'half of an archive': [
    (folder, real) => {
      const path = zipped((...entries) => entries)(folder, real);
      writeFileSync(path, readFileSync(path).subarray(0, 700));
      return path;
    },
    /the archive .* cannot be read/,
  ],
  'an archive with a password': [zipped((model, weights) => [{ ...model, flags: 1 }, weights]), /encrypted/],
  'an archive with a damaged entry': [zipped((model, weights) => [model, { ...weights, crc: 7 }]), /checksum/],
  'an archive without its weights': [zipped((model) => [model]), /weights\.bin is missing/],
  'a model.json of 400 MB in an archive of 2': [
    zipped((model, weights) => [{ ...model, ...bomb }, weights]),
    /model\.json has 400000000 bytes/,
  ],
  'weights of 400 MB in an archive of 2': [
    zipped((model, weights) => [model, { ...weights, ...bomb }]),
    /weights?.* bytes/,
  ],
};
