import { fromBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  TensorProto_DataType,
  type GraphProto,
  type ModelProto,
  type ValueInfoProto,
} from 'onnx-buf';
import { invalidInput, messageOf } from '../../base/errors.js';

export type OnnxFile = ModelProto & { readonly graph: GraphProto };

const hasGraph = (model: ModelProto): model is OnnxFile => model.graph !== undefined;

/** Formats that are often given for ONNX, by what their bytes begin with; what to do. */
const others: readonly (readonly [begins: RegExp, what: string, hint: string])[] = [
  [/^[^]{4}TFL3/, 'a LiteRT file (.tflite)', 'Give the ONNX file that it was made from.'],
  [/^\s*[{[]/, 'JSON, as TF.js models are', 'nas tune, teachers and train.from read TF.js layers models.'],
];

/**
 * Parses an ONNX file.
 * @param where names the file in errors
 * @throws NasError `invalid-input` when the bytes are no ONNX model
 */
export function parseOnnx(bytes: Uint8Array, where = 'the file'): OnnxFile {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    const begins = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
    const [, what, hint] = others.find(([pattern]) => pattern.test(begins)) ?? [];
    if (what !== undefined) throw invalidInput(`${where} is not an ONNX model: it is ${what}`, { hint, cause });
    throw invalidInput(`${where} is not an ONNX model: ${messageOf(cause)}`, { cause });
  }
  if (hasGraph(model)) return model;
  throw invalidInput(`${where} is not an ONNX model: it holds no graph`);
}

/** A fixed size, or the name of a dynamic one (`?` without a name). */
export type Dimension = number | string;

/** An input or output of a model. */
export interface TensorInfo {
  readonly name: string;
  /** `float32`, `uint8`, ...; `no tensor` for sequences and maps. */
  readonly type: string;
  readonly shape: readonly Dimension[];
}

/** For errors: `image: float32[N, 28, 28, 1]`. */
export const showTensor = ({ name, type, shape }: TensorInfo): string => `${name}: ${type}[${shape.join(', ')}]`;

export const showTensors = (tensors: readonly TensorInfo[]): string =>
  tensors.length === 0 ? 'none' : tensors.map(showTensor).join('; ');

function tensorInfo({ name, type }: ValueInfoProto): TensorInfo {
  if (type?.value.case !== 'tensorType') return { name, type: 'no tensor', shape: [] };
  const { elemType, shape } = type.value.value;
  return {
    name,
    type: TensorProto_DataType[elemType].toLowerCase().replace(/^float$/, 'float32'),
    shape: (shape?.dim ?? []).map(({ value }): Dimension => {
      // Old exporters write a negative size for a dynamic one; ONNX Runtime accepts it.
      if (value.case === 'dimValue') return value.value < 0n ? '?' : Number(value.value);
      return value.case === 'dimParam' && value.value !== '' ? value.value : '?';
    }),
  };
}

/** The inputs of a model without initialized weights. */
export function inputsOf({ graph }: OnnxFile): TensorInfo[] {
  const weights = new Set(graph.initializer.map(({ name }) => name));
  return graph.input.filter(({ name }) => !weights.has(name)).map(tensorInfo);
}

export const outputsOf = ({ graph }: OnnxFile): TensorInfo[] => graph.output.map(tensorInfo);
