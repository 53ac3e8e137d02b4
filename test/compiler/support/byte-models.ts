import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataType as Type, type TensorProtoSchema } from 'onnx-buf';
import { toHalf } from '../../../base/half.js';
import { Random } from '../../../base/random.js';
import { port } from './onnx-models.js';

type TensorInit = MessageInitShape<typeof TensorProtoSchema>;

/**
 * How a small convolutional classifier is stored. `bytes`: every product between pairs that quantize and dequantize;
 * `weights`: weights in bytes, products in floats; `half`: weights in float16, cast to float32; `mixed`: as bytes, but for
 * the second convolution and an exponential after it; `floats`: float32.
 */
export type Form = 'bytes' | 'weights' | 'half' | 'mixed' | 'floats';

const channels = 16;
/** `layer/name` of the three convolutions. */
export const layers = ['stem', 'middle', 'head'] as const;

/** Weights of a layer, [channels, inputs, kernel, kernel], in [-1, 1). */
function weightsOf(layer: string, inputs: number, kernel: number): Float32Array {
  const random = new Random(1, layer);
  return Float32Array.from({ length: channels * inputs * kernel * kernel }, () => 2 * random.uniform() - 1);
}

/**
 * A classifier of 16 classes over [N, 1, 8, 8]: 3x3 convolution, two 1x1 convolutions, mean. Written by hand.
 * @param bits of the signed byte weights
 * @param named whether nodes have names
 */
export function byteModel(form: Form, { bits = 8, named = true }: { bits?: 7 | 8; named?: boolean } = {}): Uint8Array {
  const largest = bits === 8 ? 127 : 64;
  const constants: TensorInit[] = [
    { name: 'scale', dataType: Type.FLOAT, floatData: [1 / 16] },
    { name: 'byteZero', dataType: Type.UINT8, int32Data: [128] },
    { name: 'weightScale', dataType: Type.FLOAT, floatData: [1 / largest] },
    { name: 'weightZero', dataType: Type.INT8, int32Data: [0] },
  ];
  const initializer: TensorInit[] = form === 'floats' || form === 'half' ? [] : constants;
  const node = (opType: string, input: string[], output: string, attribute: object[] = []) => ({
    name: named ? output : '',
    opType,
    input,
    output: [output],
    attribute,
  });
  const nodes: ReturnType<typeof node>[] = [];
  const inBytes = (layer: string): boolean => form === 'bytes' || (form === 'mixed' && layer !== 'middle');

  /** The value through a pair that quantizes and dequantizes. */
  const pair = (value: string): string => {
    nodes.push(
      node('QuantizeLinear', [value, 'scale', 'byteZero'], `${value}/q`),
      node('DequantizeLinear', [`${value}/q`, 'scale', 'byteZero'], `${value}/dq`),
    );
    return `${value}/dq`;
  };

  const stored = (values: Float32Array, layer: string): Omit<TensorInit, '$typeName'> => {
    if (form === 'half') return { dataType: Type.FLOAT16, rawData: new Uint8Array(toHalf(values).slice().buffer) };
    if (form === 'floats' || (form === 'mixed' && layer === 'middle'))
      return { dataType: Type.FLOAT, rawData: new Uint8Array(values.slice().buffer) };
    const bytes = Int8Array.from(values, (value) => Math.round(value * largest));
    return { dataType: Type.INT8, rawData: new Uint8Array(bytes.buffer) };
  };

  const filters = (layer: string, inputs: number, kernel: number): string => {
    const tensor = stored(weightsOf(layer, inputs, kernel), layer);
    initializer.push({ name: `${layer}/weights`, dims: [channels, inputs, kernel, kernel].map(BigInt), ...tensor });
    if (tensor.dataType === Type.FLOAT) return `${layer}/weights`;
    nodes.push(
      tensor.dataType === Type.INT8
        ? node('DequantizeLinear', [`${layer}/weights`, 'weightScale', 'weightZero'], `${layer}/w`)
        : node('Cast', [`${layer}/weights`], `${layer}/w`, [{ name: 'to', type: 2, i: BigInt(Type.FLOAT) }]),
    );
    return `${layer}/w`;
  };

  let value = 'input';
  for (const [i, layer] of layers.entries()) {
    const [inputs, kernel] = i === 0 ? [1, 3] : [channels, 1];
    if (inBytes(layer) && i === 0) value = pair(value);
    const name = `${layer}/conv`;
    const pad = BigInt((kernel - 1) / 2);
    nodes.push(
      node('Conv', [value, filters(layer, inputs, kernel)], name, [
        { name: 'kernel_shape', type: 7, ints: [BigInt(kernel), BigInt(kernel)] },
        { name: 'pads', type: 7, ints: [pad, pad, pad, pad] },
      ]),
    );
    value = name;
    if (form === 'mixed' && layer === 'middle') {
      nodes.push(node('Exp', [value], `${layer}/gate`));
      value = `${layer}/gate`;
    }
    if (form === 'bytes' || form === 'mixed') value = pair(value);
  }
  nodes.push(node('GlobalAveragePool', [value], 'mean'));
  value = form === 'bytes' || form === 'mixed' ? pair('mean') : 'mean';
  nodes.push(node('Flatten', [value], 'output'));
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 13n }],
    graph: {
      name: form,
      node: nodes,
      initializer,
      input: [port('input', Type.FLOAT, ['N', 1, 8, 8])],
      output: [port('output', Type.FLOAT, ['N', channels])],
    },
  });
  return toBinary(ModelProtoSchema, model);
}
