import { create } from '@bufbuild/protobuf';
import { TensorProto_DataLocation, TensorProto_DataType as Type, TensorProtoSchema, type TensorProto } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { prepare } from '../../../../deploy/quantize/prepare/index.js';
import { modelOf, node, type ModelText } from '../../../compiler/support/onnx-models.js';

const tensor = (dataType: Type, more: Partial<Pick<TensorProto, 'dataLocation'>> = {}): TensorProto =>
  create(TensorProtoSchema, { name: 'weights', dims: [2n, 2n], dataType, rawData: new Uint8Array(8), ...more });
const relu = [node('Relu', 'x', 'y')];

const cases: readonly [string, ModelText, RegExp][] = [
  ['QuantizeLinear', { nodes: [node('QuantizeLinear', 'x', 'y')] }, /quantized already.*'the y' is QuantizeLinear/],
  ['QLinearConv', { nodes: [node('QLinearConv', 'x', 'y')] }, /quantized already.*QLinearConv/],
  ['MatMulInteger', { nodes: [node('MatMulInteger', 'x', 'y')] }, /quantized already.*MatMulInteger/],
  ['int8 weights', { nodes: relu, tensors: [tensor(Type.INT8)] }, /quantized already: 'weights' \[2,2\] is int8/],
  ['float16 weights', { nodes: relu, tensors: [tensor(Type.FLOAT16)] }, /constants of float16: 'weights'/],
  ['a cast to float16', { nodes: [node('Cast', 'x', 'y', { to: Type.FLOAT16 })] }, /'the y' casts to float16/],
  [
    'weights in another file',
    { nodes: relu, tensors: [tensor(Type.FLOAT, { dataLocation: TensorProto_DataLocation.EXTERNAL })] },
    /data of 'weights' in another file/,
  ],
  ['an old opset', { nodes: relu, opset: 12 }, /opset 12; models of 13 and above are quantized/],
  ['images of three axes', { nodes: relu, input: ['N', 3, 8] }, /four dimensions/],
];

describe('files that cannot be quantized', () => {
  it.each(cases)('%s: the error names the cause and a remedy', (_, text, message) => {
    expect(() => prepare(modelOf(text), 'model.onnx')).toThrow(message);
    expect(() => prepare(modelOf(text), 'model.onnx')).toThrow(
      expect.objectContaining({ code: 'invalid-input', hint: expect.any(String) as string }) as Error,
    );
  });
});
