import { create, toBinary } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType as Kind, ModelProtoSchema, TensorProto_DataType as Type } from 'onnx-buf';
import { NasError } from '../../../base/errors.js';
import { product } from '../../../base/statistics.js';
import { portInit, type NodeInit } from '../../onnx/model.js';
import { openOnnx, type OpenModel } from '../classifier/classifier.js';

/**
 * How products of unsigned and signed bytes are summed. `saturating`: in pairs of 16 bits, as x86's VPMADDUBSW does on
 * processors without VNNI. Two products of large bytes exceed 16 bits: 8-bit weights give wrong sums, 7-bit weights (±64)
 * never do.
 */
export type IntegerArithmetic = 'exact' | 'saturating';

/** The largest bytes: each pair of products is 2 x 255 x 127 and saturates at 2^15 - 1. */
const [activation, weight, saturated] = [255, 127, 2 ** 15 - 1];
/** A 1 x 1 convolution of 4 pixels: large enough for the kernels of real layers. */
const [inputs, outputs, pixels] = [32, 16, 4];
const shape = [1, inputs, 1, pixels];

const exactSum = inputs * activation * weight;
const saturatedSum = (inputs / 2) * saturated;
/** Brings both sums well inside a byte. */
const outputScale = exactSum / 200;

/** A quantized convolution as exporters write it: between pairs of QuantizeLinear and DequantizeLinear. */
function probeModel(): Uint8Array {
  const floats = (name: string, value: number) => ({ name, dataType: Type.FLOAT, floatData: [value] });
  const bytes = (name: string, dataType: Type, dims: readonly number[], value: number) => ({
    name,
    dataType,
    dims: dims.map(BigInt),
    rawData: new Uint8Array(product(dims)).fill(value),
  });
  const node = (opType: string, input: string[], output: string, attribute: NodeInit['attribute'] = []): NodeInit => ({
    name: output,
    opType,
    input,
    output: [output],
    attribute,
  });
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 13n }],
    graph: {
      name: 'integers',
      input: [portInit('input', 'float32', shape)],
      output: [portInit('output', 'float32', [1, outputs, 1, pixels])],
      initializer: [
        floats('one', 1),
        floats('outputScale', outputScale),
        bytes('zero', Type.UINT8, [], 0),
        bytes('weightZero', Type.INT8, [], 0),
        bytes('weight', Type.INT8, [outputs, inputs, 1, 1], weight),
      ],
      node: [
        node('QuantizeLinear', ['input', 'one', 'zero'], 'x'),
        node('DequantizeLinear', ['x', 'one', 'zero'], 'xFloat'),
        node('DequantizeLinear', ['weight', 'one', 'weightZero'], 'wFloat'),
        node('Conv', ['xFloat', 'wFloat'], 'sum', [{ name: 'kernel_shape', type: Kind.INTS, ints: [1n, 1n] }]),
        node('QuantizeLinear', ['sum', 'outputScale', 'zero'], 'y'),
        node('DequantizeLinear', ['y', 'outputScale', 'zero'], 'output'),
      ],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

const openHere = (model: Uint8Array): Promise<OpenModel> => openOnnx(model, 'the probe of integer arithmetic');

/**
 * Tests how a runtime sums products of bytes, by a convolution whose sums saturate in 16 bits. The result is not cached: it
 * may differ between providers and session options.
 * @param open opens the model in the tested runtime; default: ONNX Runtime here, provider `cpu`
 * @throws NasError `failure` for any other sum; errors of opening and running
 */
export async function integerArithmetic(
  open: (model: Uint8Array) => Promise<OpenModel> = openHere,
): Promise<IntegerArithmetic> {
  const { run, close } = await open(probeModel());
  try {
    const sums = await run(new Float32Array(inputs * pixels).fill(activation), shape);
    const are = (sum: number): boolean => sums.every((value) => Math.abs(value - sum) <= outputScale);
    if (are(exactSum)) return 'exact';
    if (are(saturatedSum)) return 'saturating';
    throw new NasError(
      'failure',
      `a sum of bytes came out as ${sums.at(0)}: it is ${exactSum}, or ${saturatedSum} where 16 bits saturate`,
    );
  } finally {
    await close();
  }
}
