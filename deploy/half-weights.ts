import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  TensorProto_DataType,
  type TensorProto,
} from 'onnx-buf';
import { invalidInput } from '../base/errors.js';
import { inputsOf, outputsOf, parseOnnx, toHalf } from '../compiler/index.js';

/** Largest magnitude of a float16; beyond it there is only infinity. */
const largestHalf = 65504;

/** Formats of weights that are no larger than a float16. */
const smallFormats: ReadonlySet<number> = new Set([
  TensorProto_DataType.INT8,
  TensorProto_DataType.UINT8,
  TensorProto_DataType.FLOAT16,
]);

/** Float32 values of an initializer; a copy, since a file's bytes need not lie at multiples of four. */
function floatsOf({ rawData, floatData }: TensorProto): Float32Array {
  return rawData.length > 0 ? new Float32Array(Uint8Array.from(rawData).buffer) : Float32Array.from(floatData);
}

/** Kernels and matrices; biases and scales weigh nothing and stay as they are. */
const isKernel = ({ dataType, dims }: TensorProto): boolean =>
  dataType === TensorProto_DataType.FLOAT.valueOf() && dims.length >= 2;

/** A name that the graph does not have yet. */
function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
  taken.add(name);
  return name;
}

/**
 * The same model with its kernels stored in 16 bits: each becomes a float16 constant and a `Cast` to float32 that
 * ONNX Runtime computes once, when it opens the file. About half the download; the operators that run, and with them the
 * speed, are those of the float32 file. Kernels are rounded to nearest, to about three digits.
 *
 * @param where what errors call the model
 * @throws NasError `invalid-input` for a model whose weights are in other formats already (int8, float16), that has no
 *   kernels, or that has a weight which a float16 cannot hold
 */
export function halveWeights(model: Uint8Array, where: string): Uint8Array {
  const file = parseOnnx(model, where);
  const { graph } = file;
  const { FLOAT16, FLOAT } = TensorProto_DataType;
  const other = graph.initializer.find(({ dataType }) => smallFormats.has(dataType));
  if (other !== undefined)
    throw invalidInput(
      `${where}: the weights cannot be stored in 16 bits, ${other.name} is ${TensorProto_DataType[other.dataType].toLowerCase()} already`,
      { hint: 'Give the float32 model; an int8 one is smaller than 16 bits make it.' },
    );
  // Weights that are inputs, too, may be given by the caller, as float32.
  const ports = new Set([...graph.input.map(({ name }) => name), ...outputsOf(file).map(({ name }) => name)]);
  const taken = new Set([
    ...inputsOf(file).map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.node.flatMap(({ name, output }) => [name, ...output]),
  ]);
  const casts = graph.initializer.flatMap((weight) => {
    if (!isKernel(weight) || ports.has(weight.name)) return [];
    const { name, dims } = weight;
    const values = floatsOf(weight);
    if (values.length !== dims.reduce((product, extent) => product * Number(extent), 1))
      throw invalidInput(`${where}: the values of ${name} are not in the file`, {
        hint: 'Weights in files of their own are not supported: save the model as one file.',
      });
    const large = values.find((value) => Math.abs(value) > largestHalf);
    if (large !== undefined)
      throw invalidInput(`${where}: ${name} holds ${large}, which is beyond what 16 bits hold (${largestHalf})`, {
        hint: 'Keep the weights in float32.',
      });
    const half = create(TensorProtoSchema, {
      name: freeName(`${name}/half`, taken),
      dims,
      dataType: FLOAT16,
      rawData: Uint8Array.from(new Uint8Array(toHalf(values).buffer)),
    });
    const cast = create(NodeProtoSchema, {
      name: freeName(`${name}/Cast`, taken),
      opType: 'Cast',
      input: [half.name],
      output: [name],
      attribute: [
        create(AttributeProtoSchema, { name: 'to', type: AttributeProto_AttributeType.INT, i: BigInt(FLOAT) }),
      ],
    });
    return [{ name, half, cast }];
  });
  if (casts.length === 0) throw invalidInput(`${where} has no kernels of float32 to store in 16 bits`);
  const halved = new Map(casts.map(({ name, half }) => [name, half]));
  graph.initializer = graph.initializer.map((weight) => halved.get(weight.name) ?? weight);
  graph.node = [...casts.map(({ cast }) => cast), ...graph.node];
  return toBinary(ModelProtoSchema, file);
}
