import { create, toBinary } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataType } from 'onnx-buf';

export interface TinyClassifier {
  /** Input shape; a text is a symbolic dimension. */
  readonly input: readonly (number | string)[];
  readonly inputType?: 'float32' | 'uint8';
  /** Features after flattening the input. */
  readonly features: number;
  readonly classes: number;
  /** [features, classes], row by row. */
  readonly weights: Float32Array;
  /** The number of times that the product is computed (and averaged), to make the model slow. */
  readonly repeats?: number;
  /** Appends a softmax. */
  readonly softmax?: boolean;
  /** A second input, added to the logits. */
  readonly secondInput?: boolean;
}

const dimension = (size: number | string) =>
  typeof size === 'number'
    ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
    : { value: { case: 'dimParam' as const, value: size } };

const tensorInfo = (name: string, elemType: number, shape: readonly (number | string)[]) => ({
  name,
  type: { value: { case: 'tensorType' as const, value: { elemType, shape: { dim: shape.map(dimension) } } } },
});

/** A linear classifier as ONNX bytes, written by hand: flatten, then a matrix product. */
export function tinyClassifier(spec: TinyClassifier): Uint8Array {
  const { FLOAT, UINT8 } = TensorProto_DataType;
  const { repeats = 1 } = spec;
  const batch = spec.input[0] ?? 'N';
  const products = Array.from({ length: repeats }, (_, i) => `product${i}`);
  const node = (opType: string, input: string[], output: string) => ({ opType, input, output: [output] });
  const outputs = ['mean', ...(spec.softmax ? ['probabilities'] : []), ...(spec.secondInput ? ['shifted'] : [])];
  const logits = outputs[outputs.length - 1];
  const model = create(ModelProtoSchema, {
    irVersion: 9n,
    producerName: 'test',
    opsetImport: [{ domain: '', version: 18n }],
    graph: {
      name: 'tiny',
      node: [
        {
          ...node('Cast', ['input'], 'float'),
          attribute: [{ name: 'to', type: AttributeProto_AttributeType.INT, i: BigInt(FLOAT) }],
        },
        node('Flatten', ['float'], 'flat'),
        ...products.map((name, i) => node('MatMul', ['flat', `weights${i}`], name)),
        node('Mean', products, 'mean'),
        ...(spec.softmax ? [node('Softmax', ['mean'], 'probabilities')] : []),
        ...(spec.secondInput ? [node('Add', [spec.softmax ? 'probabilities' : 'mean', 'shift'], 'shifted')] : []),
      ],
      initializer: products.map((_, i) => ({
        name: `weights${i}`,
        dims: [BigInt(spec.features), BigInt(spec.classes)],
        dataType: FLOAT,
        // Different constants keep the optimiser from sharing the products.
        rawData: new Uint8Array(spec.weights.map((w) => w * (1 + i)).buffer),
      })),
      input: [
        tensorInfo('input', spec.inputType === 'uint8' ? UINT8 : FLOAT, spec.input),
        ...(spec.secondInput ? [tensorInfo('shift', FLOAT, [spec.classes])] : []),
      ],
      output: [tensorInfo(logits, FLOAT, [batch, spec.classes])],
    },
  });
  return toBinary(ModelProtoSchema, model);
}
