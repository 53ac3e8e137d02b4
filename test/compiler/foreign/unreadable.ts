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
  ValueInfoProtoSchema,
  type GraphProto,
  type ModelProto,
  type TensorProto,
} from 'onnx-buf';
import { zipOf } from '../../support/zip.js';

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

export interface Unreadable {
  /** Makes the file inside of a folder. @returns its path */
  readonly make: (folder: string, real: RealFiles) => string;
  readonly message: RegExp;
  /** Default: all. */
  readonly by?: readonly Reader[];
}

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

const html = '<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>Not found</body></html>\n';
const png = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0', 'latin1');
const hdf = Buffer.concat([Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), Buffer.alloc(200)]);
const pickle = Buffer.from('\x80\x02}q\0(X\x0c\0\0\0conv1.weight', 'latin1');
const lfs =
  'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32\nsize 12345\n';
const safetensors = Buffer.concat([
  Buffer.from([80, 0, 0, 0, 0, 0, 0, 0]),
  Buffer.from(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}${' '.repeat(30)}`),
]);

const bytesOf = (real: RealFiles): Buffer => readFileSync(real.onnx);

type Change = (model: ModelProto, graph: GraphProto) => void;

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

const port = (name: string, elemType: Type, dims: readonly (number | string)[] | null) =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType,
          ...(dims && {
            shape: {
              dim: dims.map((size) => ({
                value:
                  typeof size === 'number'
                    ? { case: 'dimValue' as const, value: BigInt(size) }
                    : { case: 'dimParam' as const, value: size },
              })),
            },
          }),
        },
      },
    },
  });

const input =
  (elemType: Type, dims: readonly (number | string)[] | null): Change =>
  (_, graph) => {
    graph.input = [port(graph.input[0].name, elemType, dims)];
  };

/** The first weight, changed. */
const weight =
  (change: (tensor: TensorProto) => void): Change =>
  (_, graph) =>
    change(graph.initializer.find(({ dims }) => dims.length > 1) ?? graph.initializer[0]);

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
const specsOf = (json: ModelJson) => (json.weightsManifest ?? []).flatMap(({ weights }) => weights);

/** A .zip of a model, with other entries. */
const zipped =
  (change: (entries: { name: string; content: Uint8Array; flags?: number; crc?: number; times?: number }[]) => void) =>
  (folder: string, real: RealFiles): string => {
    const { weightsManifest = [] } = JSON.parse(readFileSync(join(real.layers, 'model.json'), 'utf8')) as ModelJson;
    const names = ['model.json', ...weightsManifest.flatMap(({ paths }) => paths)];
    const entries = names.map((name) => ({ name, content: new Uint8Array(readFileSync(join(real.layers, name))) }));
    change(entries);
    return written(folder, 'model.zip', zipOf(entries));
  };

/** An entry that unpacks to 400 MB, without a checksum. */
const bomb = { content: new Uint8Array(1_000_000), times: 400, crc: 0 };

const training: readonly Reader[] = ['tune'];
const cut = /is not an ONNX model/;

export const unreadable: Readonly<Record<string, Unreadable>> = {
  'no file': { make: (folder) => join(folder, 'lost.onnx'), message: /lost\.onnx: cannot be read: .*no such file/i },
  'a link to nothing': {
    make: (folder) => {
      symlinkSync(join(folder, 'nowhere'), join(folder, 'link.onnx'));
      return join(folder, 'link.onnx');
    },
    message: /cannot be read/,
  },
  'an empty file': { make: file('empty.onnx', ''), message: /is not an ONNX model: it is empty/ },
  'one byte': { make: file('one.onnx', '\x08'), message: cut },
  'the first half of a file': {
    make: file('half.onnx', (real) => bytesOf(real).subarray(0, bytesOf(real).length / 2)),
    message: cut,
  },
  'a file without its last byte': { make: file('cut.onnx', (real) => bytesOf(real).subarray(0, -1)), message: cut },
  'a damaged file': {
    make: file('damaged.onnx', (real) => bytesOf(real).map((byte, i) => (i % 7 === 3 ? byte ^ 0x55 : byte))),
    message: /damaged\.onnx/,
  },
  'a page of a server': { make: file('model.onnx', html), message: /is not an ONNX model: it is a page \(HTML\)/ },
  'a text': { make: file('readme.onnx', '# A model\nDownload the weights from here.\n'), message: cut },
  'a picture': { make: file('picture.onnx', png), message: /it is a picture/ },
  'a pointer of Git LFS': { make: file('pointer.onnx', lfs), message: /it is a pointer of Git LFS/ },
  'a compressed file': {
    make: file('model.onnx.gz', (real) => gzipSync(bytesOf(real))),
    message: /it is compressed \(gzip\)/,
  },
  'a checkpoint of PyTorch': {
    make: file(
      'model.pt',
      zipOf([
        { name: 'model/data.pkl', content: pickle },
        { name: 'model/version', content: Buffer.from('3\n') },
      ]),
    ),
    message: /it is a checkpoint of PyTorch/,
  },
  'an old checkpoint of PyTorch': { make: file('model.pth', pickle), message: /it is a checkpoint of PyTorch/ },
  safetensors: { make: file('model.safetensors', safetensors), message: /it is a safetensors file/ },
  'a file of Keras (.h5)': { make: file('model.h5', hdf), message: /it is a Keras model \(HDF5\)/ },
  'a file of Keras (.keras)': {
    make: file(
      'model.keras',
      zipOf([
        { name: 'config.json', content: Buffer.from('{}') },
        { name: 'model.weights.h5', content: hdf },
      ]),
    ),
    message: /it is a Keras model/,
  },
  'a LiteRT file': {
    make: (folder, real) => written(folder, 'model.tflite', readFileSync(real.tflite)),
    message: /it is a LiteRT file/,
    by: readers.filter((reader) => reader !== 'evaluate'),
  },
  'a SavedModel': {
    make: (folder) => {
      written(folder, 'saved/variables/variables.index', 'x');
      return dirname(written(folder, 'saved/saved_model.pb', Buffer.from('\x08\x01\x12\x04\x0a\x02\x0a\0', 'latin1')));
    },
    message: /is a SavedModel of TensorFlow|holds neither model|no run in this folder/,
  },
  'the graph of a SavedModel': {
    make: file('saved_model.pb', Buffer.from('\x08\x01\x12\x04\x0a\x02\x0a\0', 'latin1')),
    message: cut,
  },
  'an empty folder': {
    make: (folder) => {
      mkdirSync(join(folder, 'empty'));
      return join(folder, 'empty');
    },
    message: /empty/,
  },
  'a folder of other things': { make: (folder) => dirname(written(folder, 'photos/one.png', png)), message: /photos/ },
  'a folder that is called model.onnx': {
    make: (folder) => {
      mkdirSync(join(folder, 'model.onnx'));
      return join(folder, 'model.onnx');
    },
    message: /model\.onnx/,
  },
  'an archive of an ONNX file': {
    make: (folder, real) =>
      written(folder, 'model.zip', zipOf([{ name: 'model.onnx', content: new Uint8Array(bytesOf(real)) }])),
    message: /it has no model\.json/,
  },
  'weights in another file': {
    make: changed(
      weight((one) => {
        one.dataLocation = TensorProto_DataLocation.EXTERNAL;
        one.rawData = new Uint8Array();
      }),
    ),
    message: /keeps the data of .* in another file/,
  },
  'weights that are too short': {
    make: changed(
      weight((one) => {
        one.rawData = one.rawData.subarray(0, -4);
      }),
    ),
    message: /weight|data/,
  },
  'weights of a negative size': {
    make: changed(
      weight((one) => {
        one.dims = [-4n, ...one.dims.slice(1)];
      }),
    ),
    message: /model\.onnx/,
  },
  'weights of an unknown type': {
    make: changed(
      weight((one) => {
        one.dataType = 99;
      }),
    ),
    message: /model\.onnx/,
  },
  'weights of float16': {
    make: changed((_, graph) => {
      graph.initializer.push(
        create(TensorProtoSchema, { name: 'half', dims: [2n, 2n], dataType: Type.FLOAT16, rawData: new Uint8Array(8) }),
      );
    }),
    message: /constants of float16/,
    by: ['tune', 'train.from', 'quantize', 'export'],
  },
  'images of float64': {
    make: changed(input(Type.DOUBLE, ['N', 10, 10, 1])),
    message: /takes .*double.*, not float32/,
  },
  'images of bytes': { make: changed(input(Type.UINT8, ['N', 10, 10, 1])), message: /takes .*uint8.*, not float32/ },
  'images of an unknown rank': {
    make: changed(input(Type.FLOAT, null)),
    message: /takes .*, which has not the four dimensions/,
  },
  tokens: { make: changed(input(Type.INT64, ['N', 128])), message: /takes .*int64.*, not float32/ },
  'a video': { make: changed(input(Type.FLOAT, ['N', 16, 10, 10, 1])), message: /four dimensions/ },
  'no images': { make: changed(input(Type.FLOAT, [0, 10, 10, 1])), message: /fixed at 0 images/ },
  'two inputs': {
    make: changed((_, graph) => {
      graph.input.push(port('mask', Type.FLOAT, ['N', 8]));
    }),
    message: /has 2 inputs \(.*\), not one/,
  },
  'no input': {
    make: changed((_, graph) => {
      graph.input = [];
    }),
    message: /'input', which nothing computes|has 0 inputs/,
  },
  'two outputs': {
    make: changed((_, graph) => {
      graph.output.push(port(graph.node[0].output[0], Type.FLOAT, null));
    }),
    message: /has 2 outputs \(.*\), not one/,
  },
  'no output': {
    make: changed((_, graph) => {
      graph.output = [];
    }),
    message: /has 0 outputs/,
  },
  'no nodes': {
    make: changed((_, graph) => {
      graph.node = [];
    }),
    message: /model\.onnx/,
  },
  'no opset': {
    make: changed((model) => {
      model.opsetImport = [];
    }),
    message: /model\.onnx/,
  },
  'an opset of the future': {
    make: changed((model) => {
      model.opsetImport[0].version = 999n;
    }),
    message: /model\.onnx.*999/,
  },
  'an unknown operator': { make: changed(before('Attend')), message: /Attend/ },
  'an operator of another program': { make: changed(before('NmsPlugin', 'com.example')), message: /NmsPlugin/ },
  'a recurrent layer': { make: changed(before('LSTM')), message: /LSTM/ },
  'a loop': { make: changed(branching('Loop')), message: /Loop/ },
  'a detector': { make: changed(before('NonMaxSuppression')), message: /NonMaxSuppression/ },
  'a circle': {
    make: changed((_, graph) => {
      graph.node[0].input = [graph.node.at(-1)?.output[0] ?? '', ...graph.node[0].input.slice(1)];
    }),
    message: /model\.onnx/,
  },
  'a value that nothing computes': {
    make: changed((_, graph) => {
      graph.node.shift();
    }),
    message: /model\.onnx/,
  },
  'quantized numbers': {
    make: changed(before('DynamicQuantizeLinear')),
    message: /DynamicQuantizeLinear/,
    by: training,
  },
  'a page of a server as model.json': {
    make: tfjs('layers', () => html),
    message: /model\.json cannot be loaded: it is a page \(HTML\)/,
  },
  'an empty model.json': { make: tfjs('layers', () => ''), message: /model\.json cannot be loaded: it is empty/ },
  'half of a model.json': {
    make: tfjs('graph', (json) => JSON.stringify(json).slice(0, 900)),
    message: /model\.json cannot be loaded: model\.json is not JSON/,
  },
  'another model.json': {
    make: tfjs('layers', () => '{"name": "package", "version": "1.0.0"}'),
    message: /it has no modelTopology/,
  },
  'a list as model.json': { make: tfjs('layers', () => '[1, 2, 3]'), message: /cannot be loaded/ },
  'a deep model.json': {
    make: tfjs(
      'layers',
      () => `{"modelTopology": ${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}, "weightsManifest": []}`,
    ),
    message: /cannot be loaded/,
  },
  'weights without a network': {
    make: tfjs('layers', (json) => {
      delete json.modelTopology;
    }),
    message: /modelTopology/,
  },
  'a network without weights': {
    make: tfjs('graph', (json) => {
      delete json.weightsManifest;
    }),
    message: /has no weightsManifest/,
  },
  'a missing shard': {
    make: tfjs('graph', (json) => {
      json.weightsManifest?.[0].paths.push('group1-shard3of3.bin');
    }),
    message: /group1-shard3of3\.bin is missing/,
  },
  'a short shard': {
    make: tfjs('graph', (_, own) => {
      writeFileSync(join(own, 'group1-shard2of2.bin'), '');
    }),
    message: /weights?.* bytes/,
  },
  'long weights': {
    make: tfjs('layers', (_, own) => {
      writeFileSync(join(own, 'weights.bin'), new Uint8Array(10_000_000));
    }),
    message: /weights?.* bytes/,
  },
  'a shard outside of the folder': {
    make: tfjs('layers', (json) => {
      if (json.weightsManifest) json.weightsManifest[0].paths = ['../../secret.bin'];
    }),
    message: /secret\.bin/,
  },
  'a shard on a server': {
    make: tfjs('layers', (json) => {
      if (json.weightsManifest) json.weightsManifest[0].paths = ['https://example.com/w.bin'];
    }),
    message: /https:\/\/example\.com\/w\.bin/,
  },
  'weights of an unknown dtype': {
    make: tfjs('graph', (json) => {
      specsOf(json)[1].dtype = 'float8';
    }),
    message: /float8/,
  },
  'a quantization that is unknown': {
    make: tfjs('graph', (json) => {
      specsOf(json)[1].quantization = { dtype: 'int3', min: 0, scale: 1 };
    }),
    message: /int3/,
  },
  'a shape of minus one': {
    make: tfjs('graph', (json) => {
      specsOf(json)[1].shape = [-1, 3];
    }),
    message: /cannot be loaded/,
  },
  'an unknown layer': {
    make: tfjs('layers', (json) => {
      layersOf(json)[1].class_name = 'MyAttention';
    }),
    message: /MyAttention/,
  },
  'a recurrent network of Keras': {
    make: tfjs('layers', sequential({ class_name: 'LSTM', config: { units: 4, batch_input_shape: [null, 5, 3] } })),
    message: /model/,
  },
  'a Keras network without weights': {
    make: tfjs(
      'layers',
      sequential({ class_name: 'Flatten', config: first }, { class_name: 'Dense', config: { units: 3 } }),
    ),
    message: /weight/,
  },
  'a Keras network of vectors': {
    make: tfjs('layers', sequential({ class_name: 'Flatten', config: { batch_input_shape: [null, 12] } })),
    message: /model/,
  },
  'a graph without an input': {
    make: tfjs('graph', (json) => {
      const [images] = nodesOf(json).splice(1, 0);
      if (json.modelTopology)
        json.modelTopology['node'] = nodesOf(json).filter((one) => one.op !== 'Placeholder' && one !== images);
    }),
    message: /cannot be loaded/,
  },
  'a graph with a branch': {
    make: tfjs('graph', (json) => {
      for (const one of nodesOf(json)) if (one.op === 'Mean') one.op = 'StatelessIf';
    }),
    message: /cannot be loaded/,
  },
  'a graph with an unknown operation': {
    make: tfjs('graph', (json) => {
      for (const one of nodesOf(json)) if (one.op === 'Mean') one.op = 'DecodeJpeg';
    }),
    message: /DecodeJpeg/,
  },
  'a graph that lacks a node': {
    make: tfjs('graph', (json) => {
      if (json.modelTopology) json.modelTopology['node'] = nodesOf(json).filter(({ op }) => op !== 'Mean');
    }),
    message: /which is not there/,
  },
  'a graph in a circle': {
    make: tfjs('graph', (json) => {
      const add = nodesOf(json).find(({ op }) => op === 'AddV2');
      if (add) add.input = ['model/add', 'model/norm/out'];
    }),
    message: /cannot be loaded/,
  },
  'a graph of two outputs': {
    make: tfjs('graph', (json) => {
      nodesOf(json).push({ name: 'Second', op: 'Relu', input: ['model/dense/out'], attr: { T: { type: 'DT_FLOAT' } } });
    }),
    message: /2 outputs/,
  },
  'an empty archive': { make: file('model.zip', zipOf([])), message: /it has no model\.json/ },
  'a text that is called .zip': { make: file('model.zip', 'not an archive'), message: /the archive .* cannot be read/ },
  'half of an archive': {
    make: (folder, real) => {
      const path = zipped(() => undefined)(folder, real);
      writeFileSync(path, readFileSync(path).subarray(0, 700));
      return path;
    },
    message: /the archive .* cannot be read/,
  },
  'an archive with a password': {
    make: zipped((entries) => {
      entries[0].flags = 1;
    }),
    message: /encrypted/,
  },
  'an archive with a damaged entry': {
    make: zipped((entries) => {
      entries[1].crc = 7;
    }),
    message: /checksum/,
  },
  'an archive without its weights': {
    make: zipped((entries) => {
      entries.pop();
    }),
    message: /weights\.bin is missing/,
  },
  'a model.json of 400 MB in an archive of 2': {
    make: zipped((entries) => {
      Object.assign(entries[0], bomb);
    }),
    message: /model\.json has 400000000 bytes/,
  },
  'weights of 400 MB in an archive of 2': {
    make: zipped((entries) => {
      Object.assign(entries[1], bomb);
    }),
    message: /weights?.* bytes/,
  },
};
