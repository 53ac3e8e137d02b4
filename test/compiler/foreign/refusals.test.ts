import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProto_DataType as Type,
  TensorProtoSchema,
  type TensorProto,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { foreignNetwork, type ReadOptions } from '../../../compiler/index.js';
import { bytesOfModel, modelOf, node, port, type ModelText } from '../support/onnx-models.js';
import { classifierOf, normal } from './support.js';

const flat = [node('Flatten', 'x', 'f'), node('Gemm', 'f w', 'y')];
const weights = { w: [[192, 4], normal(768, 'w')] as const };
const images: ModelText = { nodes: flat, constants: weights };

/** A classifier with one node between image and head. */
const withNode = (op: string, more: Partial<ModelText> = {}, attributes = {}, inputs = 'x'): Uint8Array =>
  classifierOf([node(op, inputs, 'm', attributes)], 192, more);

type Model = ReturnType<typeof modelOf>;

/** A file with changes that no exporter's text says. */
const changed = (change: (model: Model) => Model, text: ModelText = images): Uint8Array =>
  toBinary(ModelProtoSchema, change(modelOf(text)));

const tensor = (dataType: Type): TensorProto =>
  create(TensorProtoSchema, { name: 'more', dims: [2n, 2n], dataType, rawData: new Uint8Array(8) });

const inputs = (...ports: readonly ReturnType<typeof port>[]): Uint8Array =>
  changed((model) => ({ ...model, graph: { ...model.graph, input: [...ports] } }));

const withGraph = (op: string): Uint8Array =>
  changed(
    (model) => {
      const [first, ...rest] = model.graph.node;
      const g = create(GraphProtoSchema, { name: 'body' });
      const attribute = create(AttributeProtoSchema, { name: 'body', type: Kind.GRAPH, g });
      const own = Object.assign(first, { attribute: [...first.attribute, attribute] });
      return { ...model, graph: { ...model.graph, node: [own, ...rest] } };
    },
    { nodes: [node(op, 'x', 'm'), ...flat], constants: weights },
  );

const good = bytesOfModel(images);

const cases: Readonly<Record<string, readonly [file: Uint8Array, message: RegExp, options?: ReadOptions]>> = {
  sound: [inputs(port('x', Type.FLOAT, [1, 1, 16000])), /four dimensions/],
  'images of float16': [inputs(port('x', Type.FLOAT16, [1, 3, 8, 8])), /takes x: float16.*, not float32/],
  'images of an open size': [
    bytesOfModel({ ...images, input: ['N', 3, 'H', 'W'] }),
    /takes x: float32\[N, 3, H, W\], whose size is open/,
  ],
  'images of another size': [good, /takes images of 8x8, not 16x16/, { size: [16, 16] }],
  'images of five channels': [
    bytesOfModel({ ...images, input: ['N', 5, 8, 8] }),
    /does not tell where the channels are/,
  ],
  'a detector with boxes and scores': [
    changed((model) => ({
      ...model,
      graph: { ...model.graph, output: [...model.graph.output, port('boxes', Type.FLOAT, [1, 4])] },
    })),
    /has 2 outputs \(y: .*; boxes: .*\), not one/,
  ],
  'a detector with NonMaxSuppression': [
    withNode('NonMaxSuppression'),
    /node 'the m' \(NonMaxSuppression\) makes shapes that depend on the images/,
  ],
  'a detector with TopK': [withNode('TopK'), /node 'the m' \(TopK\)/],
  'a detector with RoiAlign': [withNode('RoiAlign'), /node 'the m' \(RoiAlign\)/],
  'a loop': [withGraph('Loop'), /node 'the m' \(Loop\) holds graphs of its own/],
  'a branch': [withGraph('If'), /node 'the m' \(If\) holds graphs of its own/],
  'quantized convolutions': [withNode('QLinearConv'), /quantized already: node 'the m' is QLinearConv/],
  'quantized values': [
    withNode('DequantizeLinear'),
    /node 'the m' \(DequantizeLinear\) computes with quantized numbers/,
  ],
  'dynamic quantization': [withNode('DynamicQuantizeLinear'), /quantized already/],
  'weights of int8': [
    bytesOfModel({ ...images, tensors: [tensor(Type.INT8)] }),
    /quantized already: 'more' \[2,2\] is int8/,
  ],
  'a cast to float16': [
    withNode('Cast', {}, { to: Type.FLOAT16 }),
    /node 'the m' casts to float16: only float32 models can be trained/,
  ],
  'an operator of another domain': [
    classifierOf([{ ...node('FusedConv', 'x', 'm'), domain: 'com.microsoft' }], 192),
    /node 'the m' \(com.microsoft:FusedConv\) is an operator that nas does not know/,
  ],
  'an operator of a later opset': [
    withNode('RMSNormalization', { opset: 23 }),
    /\(RMSNormalization\) is an operator that/,
  ],
  'a choice by truth values': [withNode('Where'), /node 'the m' \(Where\) computes with truth values/],
  'a sum by indices': [withNode('Einsum'), /node 'the m' \(Einsum\) is not implemented/],
  'a cubic Resize': [
    withNode('Resize', { constants: { s: [[4], Float32Array.of(1, 1, 2, 2)] } }, { mode: 'cubic' }, 'x _ s'),
    /\(Resize\) resizes in a way that TF\.js lacks \(cubic\)/,
  ],
  'a reflecting Pad': [
    withNode('Pad', { constants: { p: [[8], new BigInt64Array(8)] } }, { mode: 'reflect' }, 'x p'),
    /\(Pad\) pads by 'reflect'/,
  ],
  'a shape that depends on pixels': [
    classifierOf([node('NonZero', 'x', 'z'), node('Shape', 'z', 's'), node('Reshape', 'x s', 'm')], 192),
    /depends? on/,
  ],
  'filters for other channels': [
    withNode('Conv', { constants: { f: [[4, 5, 3, 3], normal(180, 'f')] } }, {}, 'x f'),
    /\(Conv\) has filters \[4,5,3,3\] in 1 group\(s\), which do not fit 3 channels/,
  ],
  'a matrix for other features': [
    bytesOfModel({ nodes: flat, constants: { w: [[100, 4], normal(400, 'w')] } }),
    /node 'the y' \(Gemm\) does not fit its inputs/,
  ],
  'a Reshape to another size': [
    withNode('Reshape', { constants: { s: [[2], BigInt64Array.of(-1n, 7n)] } }, {}, 'x s'),
    /\(Reshape\)/,
  ],
  'a value without a node': [withNode('Add', {}, {}, 'x lost'), /node 'the m' \(Add\).*'lost'/],
  'nodes in a circle': [
    classifierOf([node('Relu', 'm', 'a'), node('Add', 'x a', 'm')], 192),
    /node 'the a' \(Relu\) reads 'm', which nothing computes before it/,
  ],
  'a value computed twice': [
    classifierOf([node('Relu', 'x', 'm'), node('Sigmoid', 'x', 'm')], 192),
    /node 'the m' \(Sigmoid\) computes 'm' again/,
  ],
  'no output': [bytesOfModel({ ...images, output: 'z' }), /does not compute its output 'z'/],
  'an answer for each pixel': [
    bytesOfModel({ nodes: [node('Conv', 'x w', 'y')], constants: { w: [[4, 3, 1, 1], normal(12, 'w')] } }),
    /gives \[N,4,8,8\], not \[N, classes\]/,
  ],
  'one number for each image': [
    bytesOfModel({ nodes: flat, constants: { w: [[192, 1], normal(192, 'w')] } }),
    /gives \[N,1\], not \[N, classes\]/,
  ],
  'the number of a class': [
    changed((model) => ({ ...model, graph: { ...model.graph, output: [port('y', Type.INT64, [1])] } })),
    /gives y: int64\[1\], not float32/,
  ],
  'no weights': [
    bytesOfModel({ nodes: [node('ReduceMean', 'x', 'y', { axes: [2, 3], keepdims: 0 })] }),
    /no weights to train/,
  ],
};

describe('files that cannot be trained', () => {
  it.each(Object.entries(cases))('%s: one sentence with the cause, and a remedy', (_, [file, message, options]) => {
    const reading = (): unknown => foreignNetwork(file, { where: 'model.onnx', ...options });
    expect(reading).toThrow(message);
    expect(reading).toThrow(/^model\.onnx.*$/);
    expect(reading).toThrow(expect.objectContaining({ name: 'NasError', code: 'invalid-input' }) as Error);
  });

  it.each([9, 11, 13, 17, 21, 23])('a classifier of opset %i can', (opset) => {
    const { weights: found, classes } = foreignNetwork(bytesOfModel({ ...images, opset }));
    expect(found.map(({ name }) => name)).toEqual(['w']);
    expect(classes).toBe(4);
  });
});
