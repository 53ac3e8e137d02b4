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

/** A format that is often given for another one: what its bytes have, what it is, and what to do. */
type Format = readonly [begins: RegExp | readonly string[], what: string, hint: string];

const toOnnx = 'Export it from PyTorch: torch.onnx.export(model, images, "model.onnx").';
const fromKeras = 'Convert it: tensorflowjs_converter --input_format keras FILE FOLDER, or tf2onnx.';

const formats: readonly Format[] = [
  [/^$/, 'empty', 'Download or export it again.'],
  [/^[^]{4}TFL3/, 'a LiteRT file (.tflite)', 'Give the ONNX file that it was made from.'],
  [
    /^\s*<(!doctype|html|\?xml|head|body)/i,
    'a page (HTML)',
    'Download the file itself; a server answered with a page.',
  ],
  [/^version https:\/\/git-lfs/, 'a pointer of Git LFS', 'Fetch the file that it stands for: git lfs pull.'],
  [/^(\x89PNG|\xff\xd8\xff|GIF8|RIFF[^]{4}WEBP)/, 'a picture', 'Give the file of a network.'],
  [['\x1f\x8b'], 'compressed (gzip)', 'Unpack it: gunzip FILE.'],
  [/^PK[^]*\/data\.pkl/, 'a checkpoint of PyTorch', toOnnx],
  [['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'], 'a checkpoint of PyTorch', toOnnx],
  [/^[^]{3,5}\0{3,5}\{"/, 'a safetensors file, which has weights and no network', toOnnx],
  [/^\x89HDF/, 'a Keras model (HDF5)', fromKeras],
  [/^PK[^]*\bconfig\.json/, 'a Keras model', fromKeras],
  [/^PK/, 'a .zip archive', 'Unpack it; an archive of a TF.js model has a name that ends in .zip.'],
  [/^\s*[{[]/, 'JSON, as TF.js models are', 'A TF.js model is read by its model.json, its folder, or a .zip of them.'],
];

/** The format of a file by its bytes, where it is one that is often given for another; undefined for others. */
export function knownFormat(bytes: Uint8Array): { readonly what: string; readonly hint: string } | undefined {
  const beginning = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('latin1');
  const [, what, hint] =
    formats.find(([begins]) =>
      begins instanceof RegExp ? begins.test(beginning) : begins.some((one) => beginning.startsWith(one)),
    ) ?? [];
  return what === undefined || hint === undefined ? undefined : { what, hint };
}

/**
 * Parses an ONNX file.
 * @param where names the file in errors
 * @throws NasError `invalid-input` when the bytes are no ONNX model
 */
export function parseOnnx(bytes: Uint8Array, where = 'the file'): OnnxFile {
  const refused = (why: string, cause?: unknown): Error => {
    const { what, hint } = knownFormat(bytes) ?? {};
    const message = `${where} is not an ONNX model: ${what === undefined ? why : `it is ${what}`}`;
    return invalidInput(message, { ...(hint !== undefined && { hint }), cause });
  };
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw refused(messageOf(cause), cause);
  }
  if (hasGraph(model)) return model;
  throw refused('it holds no graph');
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
