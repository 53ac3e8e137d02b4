import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataType } from 'onnx-buf';

const dimension = (size: number | string) =>
  typeof size === 'number'
    ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
    : { value: { case: 'dimParam' as const, value: size } };

const tensor = (name: string, size: number) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType: TensorProto_DataType.FLOAT,
        shape: { dim: ['N', channels, size, size].map(dimension) },
      },
    },
  },
});

const [side, channels, kernel] = [8, 4, 3];

/** The smallest model worth running to see whether a provider works: one 3x3 convolution and a ReLU, [N, 4, 8, 8]. */
export function tinyModel(): Uint8Array {
  const weights = Float32Array.from({ length: channels * channels * kernel * kernel }, (_, i) => ((i % 7) - 3) / 10);
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 9n,
      producerName: 'nas',
      opsetImport: [{ domain: '', version: 18n }],
      graph: {
        name: 'tiny',
        node: [
          { opType: 'Conv', name: 'conv/Conv', input: ['input', 'weights'], output: ['features'] },
          { opType: 'Relu', name: 'relu/Relu', input: ['features'], output: ['output'] },
        ],
        initializer: [
          {
            name: 'weights',
            dims: [channels, channels, kernel, kernel].map(BigInt),
            dataType: TensorProto_DataType.FLOAT,
            rawData: new Uint8Array(weights.buffer),
          },
        ],
        input: [tensor('input', side)],
        output: [tensor('output', side - kernel + 1)],
      },
    }),
  );
}
